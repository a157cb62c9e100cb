// feature: promises
// ends: out of memory or timed out
export async function execute(input, api) {
  const all = []
  for (;;) all.push(new Promise(() => {}))
}
