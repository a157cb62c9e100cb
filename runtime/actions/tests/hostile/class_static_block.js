// feature: classes
// ends: timed out
export function execute(input, api) {
  class Odd { static { for (;;); } }
}
