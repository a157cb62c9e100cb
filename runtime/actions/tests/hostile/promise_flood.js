// feature: promises
// ends: out of memory
export async function execute(input, api) {
  const all = []
  for (;;) all.push(new Promise(() => {}))
}
