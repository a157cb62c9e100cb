import type { Input, Outcome } from "./types"

export function execute({ config, event }: Input): Outcome {
  // Absent is not 0: nobody has looked.
  const score = config.score ?? event.authentication.risk_score
  const blocked = score === undefined ? config.without_score === "block" : score > config.above
  return blocked ? { kind: "block", code: "high_risk", reason: config.message } : { kind: "continue" }
}
