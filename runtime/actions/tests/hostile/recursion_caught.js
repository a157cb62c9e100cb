// feature: recursion
// ends: timed out
export function execute(input, api) {
  const again = () => { try { again() } catch { again() } }
  for (;;) again()
}
