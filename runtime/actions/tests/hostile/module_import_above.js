// feature: modules
// ends: threw ReferenceError
export async function execute(input, api) {
  await import('../../other/1.0.0/action.js')
}
