import type { Api, Input, Outcome } from "./types"

export function execute({ config }: Input, api: Api): Outcome {
  if (config.value === undefined || config.value === null) {
    api.log("info", `no value for the claim ${config.claim}`)
  } else {
    api.session.setCustomClaim(config.claim, config.value)
  }
  return { kind: "continue" }
}
