// feature: WeakMap
// ends: out of memory
export function execute(input, api) {
  const all = new WeakMap()
  for (;;) { const key = {}; all.set(key, { key }) }
}
