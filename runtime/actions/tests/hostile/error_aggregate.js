// feature: error objects
// ends: threw AggregateError
export async function execute(input, api) {
  await Promise.any(Array.from({ length: 1e3 }, () => Promise.reject(1)))
}
