// feature: strings
// ends: threw TypeError
export function execute(input, api) {
  api.deny('\ud800')
}
