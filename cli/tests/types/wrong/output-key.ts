// TS2769
import type { Api, Input, Outcome } from "./types"

export async function execute(input: Input, api: Api): Promise<Outcome> {
  api.state.set("teir" as const, "free")
  return { kind: "continue" }
}
