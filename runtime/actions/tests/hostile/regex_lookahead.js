// feature: regular expressions
// ends: timed out
export function execute(input, api) {
  /(?=(?:a+)+b)/.test('a'.repeat(60))
}
