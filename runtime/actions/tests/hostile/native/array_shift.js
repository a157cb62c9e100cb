// feature: Array.prototype.shift
export function execute(input, api) {
  Array.prototype.shift.call({ length: 2 ** 53 - 1 })
}
