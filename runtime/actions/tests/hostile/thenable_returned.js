// feature: thenables
// ends: invalid
export function execute(input, api) {
  return { then() { for (;;); } }
}
