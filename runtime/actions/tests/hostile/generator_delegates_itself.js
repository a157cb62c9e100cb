// feature: generators
// ends: threw
export function execute(input, api) {
  function* all() { yield* all() }
  [...all()]
}
