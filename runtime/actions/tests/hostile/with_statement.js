// feature: syntax
// ends: threw SyntaxError
export function execute(input, api) {
  with ({}) {}
}
