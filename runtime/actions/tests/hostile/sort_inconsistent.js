// feature: sort comparators
// ends: timed out
export function execute(input, api) {
  const all = Array.from({ length: 1000 }, (_, i) => i)
  for (;;) all.sort(() => Math.random() - 0.5)
}
