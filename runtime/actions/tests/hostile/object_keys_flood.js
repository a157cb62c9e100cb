// feature: objects
// ends: out of memory or timed out
export function execute(input, api) {
  const it = {}
  for (let i = 0; ; i++) it['k' + i] = i
}
