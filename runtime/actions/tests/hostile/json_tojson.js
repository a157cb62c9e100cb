// feature: JSON
// ends: timed out
export function execute(input, api) {
  JSON.stringify({ toJSON() { for (;;); } })
}
