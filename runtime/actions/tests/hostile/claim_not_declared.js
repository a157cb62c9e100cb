// feature: output
// ends: threw TypeError
export function execute(input, api) {
  api.accessToken.setCustomClaim('admin', true)
}
