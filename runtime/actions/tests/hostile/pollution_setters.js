// feature: prototype pollution
// ends: well
export async function execute(input, api) {
  for (const name of ['status', 'allowed', 'count', 'text', 'kind', 'room', 'length', 'resolve']) {
    Object.defineProperty(Object.prototype, name, { set() { for (;;); }, configurable: true })
  }
  if ((await api.rateLimit('a', 3, 1)).count !== 3) api.deny('no count')
  if ((await api.fetch('https://a.test/')).status !== 200) api.deny('no status')
  api.state.set('a', { b: 1 })
  console.log('%s', 'x', [1])
}
