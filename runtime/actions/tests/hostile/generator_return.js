// feature: generators
// ends: timed out
export function execute(input, api) {
  function* all() { try { yield 1 } finally { for (;;); } }
  for (const one of all()) break
}
