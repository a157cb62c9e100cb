// feature: output
// ends: too much
export function execute(input, api) {
  api.state.set('a', 'x'.repeat(1e6))
}
