// feature: output
// ends: threw TypeError
export function execute(input, api) {
  let deep = []
  for (let i = 0; i < 5e3; i++) deep = [deep]
  api.state.set('a', deep)
}
