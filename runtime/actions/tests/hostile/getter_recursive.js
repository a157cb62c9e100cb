// feature: getters
// ends: threw
export function execute(input, api) {
  const it = { get x() { return this.x } }
  return it.x
}
