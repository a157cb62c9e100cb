// feature: error objects
// ends: out of memory
export function execute(input, api) {
  throw null
}
