// feature: iterators
// ends: out of memory
export function execute(input, api) {
  Iterator.from({ next: () => ({ value: 1 }) }).toArray()
}
