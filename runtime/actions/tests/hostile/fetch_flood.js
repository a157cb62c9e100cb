// feature: fetch
// ends: threw RangeError
export async function execute(input, api) {
  await Promise.all(Array.from({ length: 100 }, () => api.fetch('https://a.test/')))
}
