// feature: strings
// ends: invalid
export function execute(input, api) {
  return { kind: 'block', reason: '\udfff' }
}
