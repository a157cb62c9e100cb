// feature: arrays
// ends: out of memory
export function execute(input, api) {
  const all = []
  for (;;) all.push(all.length)
}
