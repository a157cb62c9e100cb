// feature: strings
// ends: timed out
export function execute(input, api) {
  'a'.replace(/a/, () => { for (;;); })
}
