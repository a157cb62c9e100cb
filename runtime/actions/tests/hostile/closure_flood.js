// feature: closures
// ends: out of memory or timed out
export function execute(input, api) {
  let last = () => 1
  for (;;) { const before = last; last = () => before }
}
