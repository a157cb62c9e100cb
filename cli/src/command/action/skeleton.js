/**
 * @param {import("./types").Input} input
 * @param {import("./types").Api} api
 * @returns {Promise<import("./types").Outcome>}
 */
export async function execute(input, api) {
  api.log("info", `runs at ${input.trigger}`)
  return { kind: "continue" }
}
