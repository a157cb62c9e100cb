// feature: Date
// ends: timed out
export function execute(input, api) {
  for (;;) Date.parse('1'.repeat(1e4))
}
