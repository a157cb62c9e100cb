// TS2540
import type { Api, Input, Outcome } from "./types"

export async function execute(input: Input, api: Api): Promise<Outcome> {
  input.user.id = "x"
  return { kind: "continue" }
}
