// feature: Date
// ends: timed out
export function execute(input, api) {
  const start = Date.now()
  while (new Date() - start < 1);
}
