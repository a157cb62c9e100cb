// feature: function constructors
// ends: threw TypeError
export function execute(input, api) {
  return (async () => {}).constructor('await 1')
}
