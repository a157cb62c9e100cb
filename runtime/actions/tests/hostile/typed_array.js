// feature: typed arrays
// ends: threw ReferenceError
export function execute(input, api) {
  return new Float64Array(1e9)
}
