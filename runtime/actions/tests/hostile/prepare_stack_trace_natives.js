// feature: Error.prepareStackTrace
// ends: threw TypeError
export function execute(input, api) {
  Error.prepareStackTrace = (error, frames) => frames.map((frame) => frame.getFunction())
  api.deny(1)
}
