// feature: BigInt
export function execute(input, api) {
  for (;;) 3n ** 600000n
}
