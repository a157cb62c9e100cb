// feature: prototype pollution
// ends: well
export function execute(input, api) {
  Function.prototype.call = Function.prototype.bind = Function.prototype.apply = Reflect.apply = () => { for (;;); }
  Object.keys = Object.getOwnPropertyDescriptor = Object.hasOwn = Array.isArray = () => { for (;;); }
  String.prototype.slice = String.prototype.indexOf = () => { for (;;); }
  api.state.set('a', { b: ['x'] })
  console.log({ a: 1 }, '%', new Error('x'))
}
