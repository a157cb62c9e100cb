// feature: arrays
// ends: out of memory or timed out
export function execute(input, api) {
  const all = []
  for (;;) all.push(all.length)
}
