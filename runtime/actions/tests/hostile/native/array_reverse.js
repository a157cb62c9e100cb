// feature: Array.prototype.reverse
export function execute(input, api) {
  Array.prototype.reverse.call({ length: 2 ** 53 - 1 })
}
