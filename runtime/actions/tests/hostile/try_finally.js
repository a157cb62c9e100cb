// feature: try and finally
// ends: timed out
export function execute(input, api) {
  for (;;) { try { for (;;); } finally { continue } }
}
