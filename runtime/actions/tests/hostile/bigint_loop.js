// feature: BigInt
// ends: timed out
export function execute(input, api) {
  let x = 0n
  for (;;) x += 1n
}
