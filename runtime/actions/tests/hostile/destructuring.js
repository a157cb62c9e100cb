// feature: destructuring
// ends: out of memory or timed out
export function execute(input, api) {
  const [...all] = { [Symbol.iterator]: () => ({ next: () => ({ value: 1 }) }) }
}
