// feature: function constructors
// ends: threw TypeError
export function execute(input, api) {
  return Reflect.construct(Object.getPrototypeOf(Object.getPrototypeOf(async () => {})).constructor, ['return 1'], Map)
}
