// feature: regular expressions
// ends: timed out
export function execute(input, api) {
  /^(?:a|a)*$/.test('a'.repeat(60) + 'b')
}
