// feature: closures
// ends: out of memory
export function execute(input, api) {
  let last = () => 1
  for (;;) { const before = last; last = () => before }
}
