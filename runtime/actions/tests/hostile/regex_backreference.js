// feature: regular expressions
// ends: timed out
export function execute(input, api) {
  /^(a*)*\1*\1*$/.test('a'.repeat(60) + 'b')
}
