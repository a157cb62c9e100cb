// feature: symbols
// ends: well
export function execute(input, api) {
  console.log({ get [Symbol.toStringTag]() { for (;;); } })
}
