// feature: JSON.stringify
export function execute(input, api) {
  let all = ['x']
  for (let i = 0; i < 60; i++) all = [all, all]
  JSON.stringify(all)
}
