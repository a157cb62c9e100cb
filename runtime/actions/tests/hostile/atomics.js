// feature: shared memory
// ends: threw ReferenceError
export function execute(input, api) {
  return Atomics.wait(null, 0, 0)
}
