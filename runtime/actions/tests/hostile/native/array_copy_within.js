// feature: Array.prototype.copyWithin
export function execute(input, api) {
  Array.prototype.copyWithin.call({ length: 2 ** 53 - 1 }, 1, 0)
}
