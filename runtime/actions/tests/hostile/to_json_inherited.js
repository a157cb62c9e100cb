// feature: toJSON
// ends: well
export function execute(input, api) {
  Object.prototype.toJSON = String.prototype.toJSON = () => { for (;;); }
  api.state.set('a', { b: ['c'] })
}
