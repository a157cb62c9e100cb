// feature: Array.prototype.every
export function execute(input, api) {
  Array.prototype.every.call({ length: 2 ** 53 - 1 }, Boolean.bind())
}
