// feature: function constructors
// ends: threw TypeError
export function execute(input, api) {
  return Reflect.construct(api.deny.constructor, ['return 1'])
}
