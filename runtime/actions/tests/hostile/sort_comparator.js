// feature: sort comparators
// ends: timed out
export function execute(input, api) {
  [3, 1, 2].sort(() => { for (;;); })
}
