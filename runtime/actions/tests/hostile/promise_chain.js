// feature: promises
// ends: out of memory
export async function execute(input, api) {
  const again = () => Promise.resolve().then(again)
  await again()
}
