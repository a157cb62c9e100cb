// feature: Error.prepareStackTrace
// ends: threw Error
export function execute(input, api) {
  Error.prepareStackTrace = () => { for (;;); }
  throw new Error('plain')
}
