// feature: arrays
// ends: timed out
export function execute(input, api) {
  class Odd extends Array { static get [Symbol.species]() { for (;;); } }
  new Odd(1, 2).map((x) => x)
}
