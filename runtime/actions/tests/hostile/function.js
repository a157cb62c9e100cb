// feature: function constructors
// ends: threw TypeError
export function execute(input, api) {
  return new Function('return 1')
}
