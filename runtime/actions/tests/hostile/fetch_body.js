// feature: fetch
// ends: threw RangeError
export async function execute(input, api) {
  await api.fetch('https://a.test/', { method: 'POST', body: 'x'.repeat(1e6) })
}
