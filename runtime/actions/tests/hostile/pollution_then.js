// feature: prototype pollution
// ends: timed out
export async function execute(input, api) {
  Object.prototype.then = () => { for (;;); }
  await api.rateLimit('a', 1, 1)
}
