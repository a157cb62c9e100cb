// feature: modules
// ends: timed out
export async function execute(input, api) {
  for (;;) await import('./action.js')
}
