// feature: thenables
// ends: timed out
export async function execute(input, api) {
  return { then() { for (;;); } }
}
