// feature: output
// ends: too much
export function execute(input, api) {
  api.deny('x'.repeat(1e6))
}
