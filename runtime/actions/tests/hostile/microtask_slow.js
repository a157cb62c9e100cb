// feature: microtasks
// ends: timed out
export async function execute(input, api) {
  const again = () => { for (let i = 0; i < 1e3; i++); queueMicrotask(again) }
  again()
  await new Promise(() => {})
}
