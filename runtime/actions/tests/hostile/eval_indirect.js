// feature: eval
// ends: threw TypeError
export function execute(input, api) {
  return globalThis.eval('1 + 1')
}
