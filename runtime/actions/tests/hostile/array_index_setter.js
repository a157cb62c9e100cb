// feature: arrays
// ends: well
export function execute(input, api) {
  Object.defineProperty(Array.prototype, '0', { set() { for (;;); } })
  api.state.set('a', [1, [2]])
  console.log([1], 'x', { a: [] })
}
