// feature: template literals
// ends: threw
export function execute(input, api) {
  const again = (strings, ...values) => again`${values}`
  again`x`
}
