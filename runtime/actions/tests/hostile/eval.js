// feature: eval
// ends: threw ReferenceError
export function execute(input, api) {
  return eval('1 + 1')
}
