// feature: Map and Set
// ends: out of memory or timed out
export function execute(input, api) {
  const all = new Map()
  for (;;) all.set(all.size, all)
}
