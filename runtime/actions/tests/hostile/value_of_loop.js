// feature: valueOf
// ends: timed out
export function execute(input, api) {
  return +{ valueOf() { for (;;); } }
}
