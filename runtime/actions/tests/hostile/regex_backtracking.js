// feature: regular expressions
// ends: timed out
export function execute(input, api) {
  /^(a+)+$/.test('a'.repeat(40) + '!')
}
