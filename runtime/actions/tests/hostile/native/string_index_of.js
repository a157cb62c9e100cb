// feature: String.prototype.indexOf
export function execute(input, api) {
  const s = 'a'.repeat(3e6)
  const n = 'a'.repeat(1.5e6) + 'b'
  for (let i = 0; i < 50; i++) s.indexOf(n)
}
