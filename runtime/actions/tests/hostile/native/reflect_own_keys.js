// feature: Reflect.ownKeys
export function execute(input, api) {
  const all = Object.fromEntries(Array.from({ length: 3e4 }, (_, i) => ['k' + i, i]))
  for (;;) Reflect.ownKeys(all)
}
