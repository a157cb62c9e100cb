// feature: BigInt
// ends: threw RangeError
export function execute(input, api) {
  let x = 2n ** 64n
  for (;;) x = x * x
}
