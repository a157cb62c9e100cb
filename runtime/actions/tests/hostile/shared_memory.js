// feature: shared memory
// ends: threw ReferenceError
export function execute(input, api) {
  return new SharedArrayBuffer(8)
}
