// feature: microtasks
// ends: timed out
export async function execute(input, api) {
  const again = () => queueMicrotask(again)
  again()
  await new Promise(() => {})
}
