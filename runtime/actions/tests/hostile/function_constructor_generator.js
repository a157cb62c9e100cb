// feature: function constructors
// ends: threw TypeError
export function execute(input, api) {
  return (function* () {}).constructor('yield 1')
}
