// feature: function constructors
// ends: threw TypeError
export function execute(input, api) {
  return (() => {}).constructor.constructor('return globalThis')()
}
