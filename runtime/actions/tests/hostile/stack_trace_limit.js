// feature: Error.stackTraceLimit
// ends: threw TypeError
export function execute(input, api) {
  Error.stackTraceLimit = { valueOf() { for (;;); } }
  api.deny(1)
}
