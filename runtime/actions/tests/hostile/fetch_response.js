// feature: fetch
// ends: threw
export async function execute(input, api) {
  await api.fetch('https://a.test/large')
  await api.fetch('https://a.test/large')
}
