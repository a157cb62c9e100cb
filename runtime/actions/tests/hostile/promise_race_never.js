// feature: promises
// ends: invalid
export async function execute(input, api) {
  await Promise.race([])
}
