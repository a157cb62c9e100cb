// TS2339
import type { Api, Input, Outcome } from "./types"

export async function execute(input: Input, api: Api): Promise<Outcome> {
  return input.user.app_metadata ? { kind: "continue", ...input.user.app_metadata.x } : { kind: "continue" }
}
