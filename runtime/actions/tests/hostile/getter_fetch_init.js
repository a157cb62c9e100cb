// feature: getters
// ends: threw TypeError
export async function execute(input, api) {
  await api.fetch('https://a.test/', { get method() { for (;;); } })
}
