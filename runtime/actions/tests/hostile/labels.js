// feature: labelled loops
// ends: timed out
export function execute(input, api) {
  outer: for (;;) { for (;;) continue outer }
}
