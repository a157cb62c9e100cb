import type { Api, Input, Outcome } from "./types"

export async function execute(input: Input, api: Api): Promise<Outcome> {
  const { user, request, config } = input
  if (!user || user.login_count > 0) {
    return { kind: "continue" }
  }
  const signup = { country: request.geo.country ?? null, device: request.device.type ?? null }
  if (config.crm !== undefined) {
    const response = await api.fetch(config.crm, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ user: user.id, email: user.email, name: user.name, signup }),
    })
    if (!response.ok) {
      throw new Error(`the CRM answered ${response.status}`)
    }
  }
  api.user.setAppMetadata({ signup })
  api.log("info", "welcomed")
  return { kind: "continue" }
}
