// feature: frozen input
// ends: threw TypeError
export function execute(input, api) {
  input.event.user.groups.push('admin')
}
