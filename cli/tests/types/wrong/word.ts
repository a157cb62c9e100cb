// TS2367
import type { Api, Input, Outcome } from "./types"

export async function execute(input: Input, api: Api): Promise<Outcome> {
  return step.risk.severity === "hihg" ? { kind: "continue" } : { kind: "demand_mfa" }
}
