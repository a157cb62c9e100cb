/**
 * Client of the HTTP API of Admit. `src/schema.ts` is made from the OpenAPI document; nothing here repeats it.
 *
 * The API key is a secret of your server: this runs there, never in a browser.
 */
import createClient, { type Client } from "openapi-fetch"
import type { components, paths } from "./schema.js"

type Schemas = components["schemas"]

/** What a request of a run came to. */
export type Answer = Schemas["RunAnswer"]
/** The run waits for the user. */
export type Waiting = Extract<Answer, { outcome: "suspended" }>
/** The run has ended. */
export type Ended = Exclude<Answer, { outcome: "suspended" }>
/** What starts a run. */
export type Start = Schemas["StartRun"]
/** What the user has answered to a prompt: fields that its challenge asks for. */
export type Input = Record<string, unknown>
/** An audit entry. */
export type AuditEntry = Schemas["Entry"]
/** The words that say why a call was refused. */
export type Code = Schemas["Problem"]["code"]

export interface Options {
  /** Where the server is: `https://admit.example.com` */
  url: string
  /** An API key with the scopes that the calls name. */
  key: string
  /** How often a call of a run is tried again where no answer came, or the server was too busy for one. Default: 3. */
  retries?: number
  /** Instead of the global `fetch`. */
  fetch?: (request: Request) => Promise<Response>
}

/** A call was refused, or could not be served. */
export class Refused extends Error {
  /** Absent where what answered was not Admit: a proxy, say. */
  readonly code: Code | undefined

  constructor(readonly status: number, problem: Partial<Schemas["Problem"]> | undefined) {
    super(problem?.detail ?? `status ${status}`)
    this.name = "Refused"
    this.code = problem?.code
  }
}

/** Tells what the user answers to a prompt. Throwing leaves the run waiting; its time will be over by itself. */
export type Ask = (waiting: Waiting) => Input | Promise<Input>

export class Admit {
  /** Every call of the API, typed by the document: `admit.calls.GET("/v1/runs", ...)`. */
  readonly calls: Client<paths>
  readonly #options: Options

  constructor(options: Options) {
    this.#options = options
    this.calls = createClient<paths>({
      baseUrl: options.url,
      headers: { authorization: `Bearer ${options.key}` },
      ...(options.fetch ? { fetch: options.fetch } : {}),
    })
  }

  /**
   * Runs a flow to its end: starts it, asks for what it waits for, and goes on, however often it asks.
   * A deny is an answer, not an exception.
   */
  async run(flow: string, start: Start, ask: Ask): Promise<Ended> {
    let answer = await this.start(flow, start)
    while (answer.outcome === "suspended") {
      answer = await this.resume(answer, await ask(answer))
    }
    return answer
  }

  /** Starts a run. A call that is tried again starts none twice. */
  start(flow: string, body: Start): Promise<Answer> {
    return this.#surely((header) =>
      this.calls.POST("/v1/flows/{flow}/runs", { params: { path: { flow }, header }, body }))
  }

  /** Goes on with a run that waits. */
  resume(waiting: Pick<Waiting, "run" | "resume_token">, input: Input): Promise<Answer> {
    const body = { resume_token: waiting.resume_token, input }
    return this.#surely((header) =>
      this.calls.POST("/v1/runs/{run}/resume", { params: { path: { run: waiting.run }, header }, body }))
  }

  /**
   * Audit entries as they come, from after the one with the number `after` (without it: from now on), until the signal aborts.
   * A connection that ends is made anew where it ended.
   */
  async *audit(options: { type?: string; after?: number; signal?: AbortSignal } = {}): AsyncGenerator<AuditEntry> {
    let { after } = options
    while (!options.signal?.aborted) {
      const url = new URL("/v1/audit/stream", this.#options.url)
      if (options.type !== undefined) url.searchParams.set("type", options.type)
      const headers = new Headers({ authorization: `Bearer ${this.#options.key}`, accept: "text/event-stream" })
      if (after !== undefined) headers.set("last-event-id", String(after))
      const request = new Request(url, { headers, signal: options.signal ?? null })
      const response = await (this.#options.fetch ?? fetch)(request)
      if (!response.ok || response.body === null) throw new Refused(response.status, await problem(response))
      for await (const event of events(response.body)) {
        if (event.id !== undefined) after = Number(event.id)
        if (event.data !== "") yield JSON.parse(event.data) as AuditEntry
      }
      await pause(1_000)
    }
  }

  /** A call that is safe to try again: every try has the same key, and the server gives the answer of the first. */
  async #surely(
    call: (header: { "Idempotency-Key": string }) => Promise<{ data?: Answer; error?: unknown; response: Response }>,
  ): Promise<Answer> {
    const header = { "Idempotency-Key": crypto.randomUUID() }
    for (let left = this.#options.retries ?? 3; ; left -= 1) {
      try {
        const { data, error, response } = await call(header)
        if (data !== undefined) return data
        const refused = new Refused(response.status, error as Partial<Schemas["Problem"]> | undefined)
        const later = [429, 503].includes(response.status) || refused.code === "idempotency_in_progress"
        if (!later || left <= 0) throw refused
        await pause(1_000 * Number(response.headers.get("retry-after") ?? 1))
      } catch (error) {
        // What `fetch` throws where no answer came.
        if (!(error instanceof TypeError) || left <= 0) throw error
        await pause(200)
      }
    }
  }
}

async function problem(response: Response): Promise<Partial<Schemas["Problem"]> | undefined> {
  try {
    return (await response.json()) as Partial<Schemas["Problem"]>
  } catch {
    return undefined
  }
}

/** The events of a stream of server-sent events (HTML, section 9.2), as far as Admit sends them: `id`, `data`, comments. */
async function* events(body: ReadableStream<Uint8Array>): AsyncGenerator<{ id?: string; data: string }> {
  const reader = body.pipeThrough(new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>).getReader()
  let text = ""
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return
    text += value
    for (let end = text.indexOf("\n\n"); end >= 0; end = text.indexOf("\n\n")) {
      const event: { id?: string; data: string } = { data: "" }
      for (const line of text.slice(0, end).split("\n")) {
        if (line.startsWith("id:")) event.id = line.slice(3).trim()
        if (line.startsWith("data:")) event.data += line.slice(5).trimStart()
      }
      text = text.slice(end + 2)
      yield event
    }
  }
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds))
}
