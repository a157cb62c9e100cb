// feature: log
// ends: timed out
export function execute(input, api) {
  for (;;) console.log('x'.repeat(1000))
}
