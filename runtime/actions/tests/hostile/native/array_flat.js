// feature: Array.prototype.flat
export function execute(input, api) {
  [{ length: 1 }, new Array(4294967295)].flat(Infinity)
}
