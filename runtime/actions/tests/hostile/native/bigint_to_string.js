// feature: BigInt.prototype.toString
export function execute(input, api) {
  (3n ** 500000n).toString()
  for (;;) (7n ** 300000n).toString()
}
