// feature: spread
// ends: out of memory or timed out
export function execute(input, api) {
  return Math.max(...{ [Symbol.iterator]: () => ({ next: () => ({ value: 1 }) }) })
}
