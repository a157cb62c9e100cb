// feature: getters
// ends: invalid
export function execute(input, api) {
  return { get kind() { for (;;); } }
}
