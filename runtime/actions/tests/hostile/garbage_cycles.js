// feature: cycles of objects
// ends: out of memory
export function execute(input, api) {
  for (;;) { const a = {}; a.a = a }
}
