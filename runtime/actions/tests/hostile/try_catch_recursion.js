// feature: try and finally
// ends: timed out
export function execute(input, api) {
  const again = () => { try { again() } finally { again() } }
  again()
}
