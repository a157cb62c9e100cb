// feature: proxies
// ends: threw ReferenceError
export function execute(input, api) {
  return new Proxy({}, { get() { for (;;); } })
}
