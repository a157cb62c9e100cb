// feature: error objects
// ends: threw Error
export function execute(input, api) {
  let error = new Error('first')
  for (let i = 0; i < 1e4; i++) error = new Error('next', { cause: error })
  throw error
}
