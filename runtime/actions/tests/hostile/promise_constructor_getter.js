// feature: promises
// ends: timed out
export async function execute(input, api) {
  Object.defineProperty(Promise.prototype, 'constructor', { get() { for (;;); } })
  await api.rateLimit('a', 1, 1)
}
