// feature: Map and Set
// ends: well
export function execute(input, api) {
  Map.prototype.forEach = Set.prototype.forEach = () => { for (;;); }
  console.log(new Map([[1, { a: 2 }]]), new Set([1]))
}
