// feature: output
// ends: too much
export function execute(input, api) {
  const it = {}
  for (let i = 0; i < 2e4; i++) it['k' + i] = i
  try { api.state.set('a', it) } catch {}
}
