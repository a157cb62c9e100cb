// feature: iterators
// ends: timed out
export function execute(input, api) {
  Iterator.from({ next: () => ({ value: 1 }) }).drop(Infinity).next()
}
