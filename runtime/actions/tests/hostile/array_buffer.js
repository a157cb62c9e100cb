// feature: typed arrays
// ends: threw ReferenceError
export function execute(input, api) {
  return new ArrayBuffer(2 ** 40)
}
