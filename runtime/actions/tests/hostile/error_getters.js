// feature: error objects
// ends: threw
export function execute(input, api) {
  class Odd extends Error { get message() { for (;;); } get name() { for (;;); } get stack() { for (;;); } }
  throw new Odd()
}
