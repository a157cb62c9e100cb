// TS2322
import type { Api, Input, Outcome } from "./types"

export async function execute(input: Input, api: Api): Promise<Outcome> {
  await api.fetch("https://hooks.example.com", { body: { a: 1 } })
  return { kind: "continue" }
}
