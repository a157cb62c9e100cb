// feature: WeakRef
// ends: threw ReferenceError
export function execute(input, api) {
  return new WeakRef({})
}
