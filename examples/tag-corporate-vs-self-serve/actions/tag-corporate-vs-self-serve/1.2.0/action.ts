import type { Api, Input, Outcome } from "./types"

export function execute(input: Input, api: Api): Outcome {
  const { domains } = input.config
  const domain = domainOf(input) ?? ""
  const tier = Object.hasOwn(domains, domain) ? domains[domain] : undefined
  const segment = tier === undefined ? "self_serve" : "corporate"

  api.state.set("segment", segment)
  api.session.setCustomClaim("segment", segment)
  api.user.setAppMetadata({ tier: tier ?? "self_serve", signup_segment: segment })
  api.log("info", `tagged as ${segment}`)
  return { kind: "continue" }
}

/** The domain of an address that its owner has shown to be theirs: anybody can type one of ours. */
function domainOf({ user }: Input): string | undefined {
  return user?.email_verified ? user.email?.split("@").pop()?.toLowerCase() : undefined
}
