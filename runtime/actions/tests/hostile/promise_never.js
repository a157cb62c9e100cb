// feature: promises
// ends: invalid
export async function execute(input, api) {
  await new Promise(() => {})
}
