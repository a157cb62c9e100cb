import type { Api, Input, Outcome } from "./types"

export async function execute(input: Input, api: Api): Promise<Outcome> {
  const { limit, window_seconds, bucket, message } = input.config
  const key = `${bucket ?? input.trigger}|${account(input)}`
  const rate = await api.rateLimit(key, limit, window_seconds)
  if (!rate.allowed) {
    return { kind: "block", code: "rate_limited", reason: message.replaceAll("{seconds}", `${rate.retryAfter}`) }
  }
  api.state.set("remaining", rate.remaining)
  return { kind: "continue" }
}

/** What is counted: the user's id, under whichever name they came; else what was typed, in one spelling. */
function account({ user, event }: Input): string {
  if (user) {
    return `id:${user.id}`
  }
  const typed = event.identifier?.normalize("NFKC").trim().toLowerCase()
  if (!typed) {
    throw new Error("there is neither a user nor an identifier to count")
  }
  return `typed:${typed}`
}
