// feature: JSON
// ends: timed out
export function execute(input, api) {
  JSON.parse('[1]', () => { for (;;); })
}
