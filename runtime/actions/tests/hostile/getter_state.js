// feature: getters
// ends: threw TypeError
export function execute(input, api) {
  api.state.set('a', { b: { get c() { for (;;); } } })
}
