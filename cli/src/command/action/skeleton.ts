import type { Api, Input, Outcome } from "./types"

export async function execute(input: Input, api: Api): Promise<Outcome> {
  api.log("info", `runs at ${input.trigger}`)
  return { kind: "continue" }
}
