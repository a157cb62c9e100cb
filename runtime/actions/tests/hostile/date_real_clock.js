// feature: Date
// ends: well
export function execute(input, api) {
  const at = Date.now()
  for (let i = 0; i < 1e5; i++);
  const real = new (Object.getPrototypeOf(new Date()).constructor)().getTime()
  if (real !== at || Date() !== new Date(at).toString()) api.deny('it knows the time')
}
