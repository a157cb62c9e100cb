// feature: log
// ends: well
export function execute(input, api) {
  console.log('x'.repeat(1e6), { a: 'y'.repeat(1e6) })
}
