// feature: destructuring
// ends: out of memory
export function execute(input, api) {
  const [...all] = { [Symbol.iterator]: () => ({ next: () => ({ value: 1 }) }) }
}
