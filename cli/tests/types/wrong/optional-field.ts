// TS18048
import type { Api, Input, Outcome } from "./types"

export async function execute(input: Input, api: Api): Promise<Outcome> {
  return input.user.email.length > 1 ? { kind: "continue" } : { kind: "demand_mfa" }
}
