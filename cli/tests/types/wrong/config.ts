// TS2339
import type { Api, Input, Outcome } from "./types"

export async function execute(input: Input, api: Api): Promise<Outcome> {
  return input.config.mots > 1 ? { kind: "continue" } : { kind: "demand_mfa" }
}
