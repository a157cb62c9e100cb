// feature: String.raw
export function execute(input, api) {
  String.raw({ raw: { length: 2 ** 53 - 1 } })
}
