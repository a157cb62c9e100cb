import type { Api, Input } from "./types"

export function execute({ user }: Input, api: Api): void {
  const tier: unknown = user?.app_metadata?.tier
  api.session.setCustomClaim("tier", typeof tier === "string" ? tier : "free")
}
