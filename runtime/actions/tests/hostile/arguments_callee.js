// feature: arguments
// ends: threw TypeError
export function execute(input, api) {
  return arguments.callee
}
