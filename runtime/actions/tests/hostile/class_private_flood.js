// feature: classes
// ends: threw
export function execute(input, api) {
  class Odd { #next = new Odd() }
  return new Odd()
}
