import type { Api, Input, Outcome } from "./types"
import { domainOf, Tier } from "./lib/domain"

export async function execute(input: Input, api: Api): Promise<Outcome> {
  const { config, user, step } = input
  const domain = domainOf(user.email)
  const tier = (domain && config.tiers[domain]) === Tier.Enterprise ? Tier.Enterprise : Tier.Free
  api.state.set("tier", tier)
  api.session.setCustomClaim("tier", tier)
  api.accessToken.setCustomClaim("tier", { name: tier, since: [input.context.now] })
  api.user.setAppMetadata({ tier, old: null })
  const score: number = step["risk"].score + (event.authentication.risk_score - input.authentication.risk_score)
  const body = step["score"]?.body
  api.state.set("score", body?.score ?? score)
  console.log("why", body?.why, config.note?.length, step.risk.severity === "high")
  if (score > config.most) {
    return { kind: "demand_mfa" }
  }
  const rate = await api.rateLimit(user.id, 10, 60)
  if (!rate.allowed) {
    return { kind: "block", code: "slow_down", reason: `Wait ${rate.retryAfter} seconds.` }
  }
  const response = await api.fetch("https://hooks.example.com/in", {
    method: "POST",
    headers: { authorization: `Bearer ${api.secrets.get("api-key")}` },
    body: JSON.stringify({ user: user.id, trigger: input.trigger satisfies "login.post-auth" }),
  })
  const answer: unknown = response.ok ? await response.json() : response.headers.get("retry-after")
  if (typeof answer === "string") {
    api.log("warn", "not now", answer)
    api.redirect("https://example.com/later")
    api.deny("not now")
    api.access.deny("not now")
    api.demandMfa()
  }
  return { kind: "continue" }
}
