// feature: output
// ends: too much
export function execute(input, api) {
  for (let i = 0; ; i++) { try { api.state.set('key' + i, 'x'.repeat(1000)) } catch { return } }
}
