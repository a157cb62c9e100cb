// feature: getters
// ends: invalid
export function execute(input, api) {
  return new (class { get kind() { for (;;); } })()
}
