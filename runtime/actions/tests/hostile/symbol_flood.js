// feature: symbols
// ends: out of memory
export function execute(input, api) {
  const all = []
  for (;;) all.push(Symbol(all.length))
}
