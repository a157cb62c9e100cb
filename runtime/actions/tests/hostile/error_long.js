// feature: error objects
// ends: threw Error
export function execute(input, api) {
  throw new Error('x'.repeat(1e6))
}
