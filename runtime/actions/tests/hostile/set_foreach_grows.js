// feature: Map and Set
// ends: timed out or out of memory
export function execute(input, api) {
  const all = new Set([0])
  all.forEach((x) => all.add(x + 1))
}
