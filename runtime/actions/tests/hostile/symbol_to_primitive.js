// feature: symbols
// ends: threw TypeError
export function execute(input, api) {
  api.deny({ [Symbol.toPrimitive]() { for (;;); } })
}
