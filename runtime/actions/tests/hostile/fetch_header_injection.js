// feature: fetch
// ends: threw TypeError
export async function execute(input, api) {
  await api.fetch('https://a.test/', { headers: { 'x-a': 'b\r\nhost: evil' } })
}
