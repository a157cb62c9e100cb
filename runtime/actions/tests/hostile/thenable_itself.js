// feature: thenables
// ends: timed out
export async function execute(input, api) {
  const it = { then(resolve) { resolve(it) } }
  return it
}
