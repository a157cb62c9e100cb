// feature: promises
// ends: well
export async function execute(input, api) {
  Promise.prototype.then = () => { for (;;); }
  Promise.resolve = Promise.prototype.then
  await api.rateLimit('a', 1, 1)
}
