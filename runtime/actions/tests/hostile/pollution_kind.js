// feature: prototype pollution
// ends: invalid
export function execute(input, api) {
  Object.prototype.kind = 'continue'
  return {}
}
