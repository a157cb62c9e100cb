import type { Api, Input, Outcome } from "./types"

/** Slack cuts longer texts off, and refuses much longer ones. */
const LONGEST = 3000

export async function execute({ config }: Input, api: Api): Promise<Outcome> {
  const text = config.text.length > LONGEST ? `${config.text.slice(0, LONGEST)}…` : config.text
  const mention = config.mention === "none" ? "" : `<!${config.mention}> `
  const body = {
    text: mention + escaped(text),
    mrkdwn: false,
    unfurl_links: false,
    unfurl_media: false,
  }
  const response = await api.fetch(config.webhook, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  })
  if (!response.ok) {
    throw new Error(`Slack answered ${response.status}`)
  }
  return { kind: "continue" }
}

/** The three characters that Slack's control sequences are made of. */
function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;")
}
