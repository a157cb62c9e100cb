// feature: getters
// ends: threw TypeError
export function execute(input, api) {
  Object.defineProperty(globalThis, 'event', { get() { for (;;); } })
}
