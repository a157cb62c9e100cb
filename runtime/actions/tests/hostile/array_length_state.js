// feature: arrays
// ends: too much
export function execute(input, api) {
  api.state.set('a', new Array(4294967295))
}
