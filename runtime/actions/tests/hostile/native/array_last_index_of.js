// feature: Array.prototype.lastIndexOf
export function execute(input, api) {
  Array.prototype.lastIndexOf.call({ length: 2 ** 53 - 1 }, 1)
}
