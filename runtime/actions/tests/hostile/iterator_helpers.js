// feature: iterators
// ends: out of memory or timed out
export function execute(input, api) {
  Iterator.from({ next: () => ({ value: 1 }) }).toArray()
}
