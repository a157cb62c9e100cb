// feature: timers
// ends: threw ReferenceError
export function execute(input, api) {
  return performance.now()
}
