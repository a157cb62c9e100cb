// feature: Array.prototype.flat
export function execute(input, api) {
  let all = []
  for (let i = 0; i < 60; i++) all = [all, all]
  all.flat(Infinity)
}
