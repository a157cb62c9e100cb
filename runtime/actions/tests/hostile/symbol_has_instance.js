// feature: symbols
// ends: timed out
export function execute(input, api) {
  return {} instanceof { [Symbol.hasInstance]() { for (;;); } }
}
