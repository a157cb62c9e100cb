// feature: toJSON
// ends: threw TypeError
export function execute(input, api) {
  api.state.set('a', { toJSON() { for (;;); } })
}
