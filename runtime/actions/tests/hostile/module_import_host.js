// feature: modules
// ends: threw ReferenceError
export async function execute(input, api) {
  await import('admit:lock')
}
