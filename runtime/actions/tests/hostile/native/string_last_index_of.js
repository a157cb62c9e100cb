// feature: String.prototype.lastIndexOf
export function execute(input, api) {
  const s = 'a'.repeat(3e6)
  const n = 'b' + 'a'.repeat(1.5e6)
  for (let i = 0; i < 50; i++) s.lastIndexOf(n)
}
