// TS2345
import type { Api, Input, Outcome } from "./types"

export async function execute(input: Input, api: Api): Promise<Outcome> {
  api.session.setCustomClaim("teir", "x")
  return { kind: "continue" }
}
