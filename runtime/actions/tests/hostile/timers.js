// feature: timers
// ends: threw ReferenceError
export function execute(input, api) {
  setTimeout(() => {}, 1e9)
}
