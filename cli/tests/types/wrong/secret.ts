// TS2345
import type { Api, Input, Outcome } from "./types"

export async function execute(input: Input, api: Api): Promise<Outcome> {
  api.secrets.get("other")
  return { kind: "continue" }
}
