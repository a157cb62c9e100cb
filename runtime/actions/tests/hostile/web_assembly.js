// feature: WebAssembly
// ends: threw ReferenceError
export function execute(input, api) {
  return new WebAssembly.Memory({ initial: 1000 })
}
