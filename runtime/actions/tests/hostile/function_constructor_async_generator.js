// feature: function constructors
// ends: threw TypeError
export function execute(input, api) {
  return (async function* () {}).constructor('await 1')
}
