// feature: await
// ends: timed out
export async function execute(input, api) {
  try { for (;;); } finally { await 0; for (;;) await 0 }
}
