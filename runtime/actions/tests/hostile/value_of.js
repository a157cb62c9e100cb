// feature: valueOf
// ends: well
export function execute(input, api) {
  console.log('%d %s %i', { valueOf() { for (;;); } }, { toString() { for (;;); } }, 1)
}
