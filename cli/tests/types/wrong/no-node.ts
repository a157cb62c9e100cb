// TS2591
import type { Api, Input, Outcome } from "./types"

export async function execute(input: Input, api: Api): Promise<Outcome> {
  process.exit(1)
  return { kind: "continue" }
}
