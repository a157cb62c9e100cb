import type { Api, Input } from "./types"

export function execute({ user }: Input, api: Api): void {
  const { tier } = (user?.app_metadata ?? {}) as { tier?: unknown }
  api.session.setCustomClaim("tier", typeof tier === "string" ? tier : "free")
}
