// feature: promises
// ends: well
export function execute(input, api) {
  class Odd extends Promise { then() { for (;;); } }
  return new Odd((resolve) => resolve({ kind: 'continue', then: undefined }))
}
