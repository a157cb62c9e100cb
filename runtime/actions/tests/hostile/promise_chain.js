// feature: promises
// ends: out of memory or invalid or timed out
export async function execute(input, api) {
  const again = () => Promise.resolve().then(again)
  await again()
}
