// feature: objects
// ends: out of memory
export function execute(input, api) {
  const it = {}
  for (let i = 0; ; i++) it['k' + i] = i
}
