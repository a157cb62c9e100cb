import type { Api, Input, Outcome } from "./types"

export function execute({ config, user }: Input, api: Api): Outcome {
  const { departments } = config
  const found = (user?.groups ?? []).flatMap((group) => (Object.hasOwn(departments, group) ? [departments[group]] : []))
  api.accessToken.setCustomClaim("departments", [...new Set(found)].sort())
  return { kind: "continue" }
}
