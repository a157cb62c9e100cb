// feature: log
// ends: well
export function execute(input, api) {
  let deep = {}
  for (let i = 0; i < 5e3; i++) deep = { deep }
  const wide = Array.from({ length: 1e3 }, () => [deep, deep])
  wide.push(wide)
  console.log(wide, deep)
}
