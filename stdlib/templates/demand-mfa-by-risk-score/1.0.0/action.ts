import type { Api, Input, Outcome } from "./types"

export function execute({ config, event }: Input, api: Api): Outcome {
  const { aal, risk_score } = event.authentication
  // Absent is not 0: nobody has looked.
  const score = config.score ?? risk_score
  const fine = score !== undefined && score <= config.above
  if (fine || aal === "aal2" || aal === "aal3") {
    return { kind: "continue" }
  }
  api.state.set("demanded", true)
  return { kind: "demand_mfa" }
}
