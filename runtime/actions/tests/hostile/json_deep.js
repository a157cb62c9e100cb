// feature: JSON
// ends: threw
export function execute(input, api) {
  JSON.parse('['.repeat(1e5) + ']'.repeat(1e5))
}
