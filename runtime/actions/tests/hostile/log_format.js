// feature: log
// ends: well
export function execute(input, api) {
  console.log('%s'.repeat(1e4), 'x')
  console.log('%'.repeat(1e4))
}
