// TS2304
import type { Api, Input, Outcome } from "./types"

export async function execute(input: Input, api: Api): Promise<Outcome> {
  window.alert("x")
  return { kind: "continue" }
}
