// feature: frozen input
// ends: threw TypeError
export function execute(input, api) {
  api.access.deny = () => {}
}
