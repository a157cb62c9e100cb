// feature: iterators
// ends: well
export function execute(input, api) {
  Array.prototype[Symbol.iterator] = function* () { for (;;) yield 1 }
  api.state.set('a', [1, 2])
  console.log([1], 2)
}
