// feature: prototype pollution
// ends: invalid
export function execute(input, api) {
  Object.prototype.value = 'continue'
  return { get kind() { return 'continue' } }
}
