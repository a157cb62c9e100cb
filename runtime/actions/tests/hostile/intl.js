// feature: Intl
// ends: threw ReferenceError
export function execute(input, api) {
  return new Intl.NumberFormat('de').format(1)
}
