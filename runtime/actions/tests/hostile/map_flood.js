// feature: Map and Set
// ends: out of memory
export function execute(input, api) {
  const all = new Map()
  for (;;) all.set(all.size, all)
}
