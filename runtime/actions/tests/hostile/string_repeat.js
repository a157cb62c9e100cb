// feature: strings
// ends: out of memory
export function execute(input, api) {
  return 'x'.repeat(2 ** 29)
}
