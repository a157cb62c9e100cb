// feature: cycles of objects
// ends: out of memory or timed out
export function execute(input, api) {
  for (;;) { const a = {}; a.a = a }
}
