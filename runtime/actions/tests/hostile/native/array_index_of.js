// feature: Array.prototype.indexOf
export function execute(input, api) {
  Array.prototype.indexOf.call({ length: 4294967295 }, 99)
}
