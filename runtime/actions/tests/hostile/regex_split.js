// feature: regular expressions
// ends: timed out
export function execute(input, api) {
  ('a'.repeat(50) + '!').split(/(?:a+)+$/)
}
