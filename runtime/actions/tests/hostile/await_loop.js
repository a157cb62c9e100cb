// feature: await
// ends: timed out
export async function execute(input, api) {
  for (;;) await 0
}
