import type { Api, Input, Outcome } from "./types"

export function execute({ config, user }: Input, api: Api): Outcome {
  const groups = user?.groups ?? []
  const rule = config.rules.find(({ group }) => groups.includes(group))
  if (rule === undefined) {
    return { kind: "continue" }
  }
  api.state.set("group", rule.group)
  return { kind: "redirect", url: rule.url }
}
