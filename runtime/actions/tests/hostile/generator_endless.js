// feature: generators
// ends: timed out
export function execute(input, api) {
  function* all() { for (;;) yield 1 }
  for (const one of all());
}
