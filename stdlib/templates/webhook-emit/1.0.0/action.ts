import type { Api, Input, Outcome } from "./types"

export async function execute(input: Input, api: Api): Promise<Outcome> {
  const { url, event, data, token } = input.config
  const { tenant, transaction } = input.event
  const headers: Record<string, string> = { "content-type": "application/json" }
  if (token !== undefined) {
    headers["authorization"] = `Bearer ${token}`
  }
  // The same at every try, as its idempotency key is: no time of sending.
  const body = {
    event: event ?? input.trigger,
    trigger: input.trigger,
    requested_at: transaction.requested_at,
    tenant: { id: tenant.id, slug: tenant.slug },
    transaction: { id: transaction.id },
    user: input.user && { id: input.user.id },
    data,
  }
  const response = await api.fetch(url, { method: "POST", headers, body: JSON.stringify(body) })
  if (!response.ok) {
    throw new Error(`the receiver answered ${response.status}`)
  }
  if (!input.context.is_async) {
    api.state.set("status", response.status)
  }
  return { kind: "continue" }
}
