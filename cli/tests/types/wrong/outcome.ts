// TS2820
import type { Api, Input, Outcome } from "./types"

export async function execute(input: Input, api: Api): Promise<Outcome> {
  return { kind: "blok" }
}
