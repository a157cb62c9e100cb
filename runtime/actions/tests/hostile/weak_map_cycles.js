// feature: WeakMap
// ends: out of memory or timed out
export function execute(input, api) {
  const all = new WeakMap()
  for (;;) { const key = {}; all.set(key, { key }) }
}
