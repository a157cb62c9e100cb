// feature: recursion
// ends: threw RangeError
export function execute(input, api) {
  const again = (n) => again(n + 1)
  return again(0)
}
