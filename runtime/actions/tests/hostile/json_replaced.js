// feature: JSON
// ends: well
export function execute(input, api) {
  JSON.stringify = JSON.parse = () => { for (;;); }
  api.state.set('a', { b: [1, 'x'] })
}
