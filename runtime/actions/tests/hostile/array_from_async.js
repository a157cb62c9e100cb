// feature: arrays
// ends: timed out
export async function execute(input, api) {
  await Array.fromAsync({ async *[Symbol.asyncIterator]() { for (;;) yield } })
}
