// feature: await
// ends: timed out
export async function execute(input, api) {
  for (;;) { try { await Promise.reject(1) } catch {} }
}
