// feature: output
// ends: threw TypeError
export function execute(input, api) {
  const it = {}
  it.it = it
  api.state.set('a', it)
}
