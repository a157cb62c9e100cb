// feature: prototype pollution
// ends: well
export function execute(input, api) {
  api.state.set('__proto__', JSON.parse('{"__proto__": {"x": 1}, "constructor": 2}'))
  if ({}.x) api.deny('polluted')
}
