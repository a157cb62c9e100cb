// The prelude, part 4 of 4: the `api` object, `console`, and how an Action is started. `host` holds functions of the
// host; it checks names, counts and sizes itself.

const LEVELS = { __proto__: null, debug: 0, log: 1, info: 1, warn: 2, error: 3 }
const KINDS = "`continue`, `block`, `demand_mfa` and `redirect`"
const CONTINUE = 0
const DENY = 1
const BLOCK = 2
const DEMAND_MFA = 3
const REDIRECT = 4
const STATE = 5
const CLAIM = 6
const APP_METADATA = 7

let host
let roomOfOutput = 0
let roomOfLine = 0

// Calls that wait for the host, by number.
const waiting = { __proto__: null }

const ask = (id) =>
  new Deferred((resolve, reject) => {
    waiting[id] = { __proto__: null, resolve, reject }
  })

const setClaim = {
  setCustomClaim(name, value) {
    name = textOf(name, "the name of a claim")
    host.effect(CLAIM, name, json(value, name, roomOfOutput, host))
  },
}.setCustomClaim

const deny = {
  deny(reason) {
    host.effect(DENY, reason === undefined ? "" : textOf(reason, "the reason"))
  },
}.deny

const api = {
  deny,
  access: { deny },
  demandMfa() {
    host.effect(DEMAND_MFA)
  },
  redirect(url) {
    host.effect(REDIRECT, textOf(url, "the URL"))
  },
  state: {
    set(key, value) {
      key = textOf(key, "the key")
      host.effect(STATE, key, json(value, key, roomOfOutput, host))
    },
  },
  user: {
    setAppMetadata(patch) {
      if (typeof patch !== "object" || patch === null || isArray(patch)) throw new WrongType("the patch must be an object")
      host.effect(APP_METADATA, json(patch, "patch", roomOfOutput, host))
    },
  },
  session: { setCustomClaim: setClaim },
  accessToken: { setCustomClaim: setClaim },
  log(level, ...values) {
    if (level !== "debug" && level !== "info" && level !== "warn" && level !== "error") {
      throw new WrongType("the level must be `debug`, `info`, `warn` or `error`")
    }
    if (host.mayLog()) host.log(LEVELS[level], format(values, roomOfLine))
  },
  async fetch(url, init) {
    url = textOf(url, "the URL")
    const { method, headers, body } = request(init)
    return ask(host.fetch(method, url, headers, body))
  },
  secrets: {
    get(name) {
      return host.secret(textOf(name, "the name of a secret"))
    },
  },
  async rateLimit(key, limit, windowSeconds) {
    key = textOf(key, "the key")
    return ask(host.rate(key, countOf(limit, "the limit"), countOf(windowSeconds, "the window")))
  },
}

const logger = {}
for (const name of ["debug", "log", "info", "warn", "error"]) {
  logger[name] = {
    [name](...values) {
      if (host.mayLog()) host.log(LEVELS[name], format(values, roomOfLine))
    },
  }[name]
}

// `init` of `api.fetch`: the method, the headers as lines of names and values by turns, and the body.
const request = (init) => {
  const read = { __proto__: null, method: "GET", headers: "", body: undefined }
  if (init === undefined) return read
  if (typeof init !== "object" || init === null) throw new WrongType("the second argument of `api.fetch` must be an object")
  const names = keys(init)
  for (let i = 0; i < names.length; i++) {
    const name = names[i]
    const value = own(init, name, "init")
    if (value === undefined) continue
    if (name === "method") read.method = toUpperCase(textOf(value, "`method`"))
    else if (name === "headers") read.headers = headersOf(value)
    else if (name === "body") read.body = bodyOf(value)
    else throw new WrongType(`\`api.fetch\` knows \`method\`, \`headers\` and \`body\`, not \`${slice(name, 0, 40)}\``)
  }
  return read
}

const headersOf = (headers) => {
  if (typeof headers !== "object" || headers === null || isArray(headers)) throw new WrongType("`headers` must be an object of strings")
  const names = keys(headers)
  let lines = ""
  for (let i = 0; i < names.length; i++) {
    const value = own(headers, names[i], "headers")
    if (value === undefined) continue
    lines += `${line(names[i])}\n${line(textOf(value, `header \`${slice(names[i], 0, 40)}\``))}\n`
  }
  return lines
}

const line = (text) => {
  if (indexOf(text, "\n") >= 0 || indexOf(text, "\r") >= 0) throw new WrongType("a header must be one line")
  return wellFormed(text)
}

const bodyOf = (body) => {
  if (typeof body === "string") return wellFormed(body)
  throw new WrongType("`body` must be a string: write objects with `JSON.stringify`")
}

// The answer of a peer; `lines` are names, in lower case, and values by turns.
const responseOf = (status, url, lines, body) => {
  const names = list()
  const values = { __proto__: null }
  for (let at = 0; at < lines.length; ) {
    const middle = indexOf(lines, "\n", at)
    const end = indexOf(lines, "\n", middle + 1)
    const name = slice(lines, at, middle)
    const value = slice(lines, middle + 1, end)
    if (hasOwn(values, name)) values[name] = `${values[name]}, ${value}`
    else {
      values[name] = value
      add(names, name)
    }
    at = end + 1
  }
  const headers = {
    get(name) {
      name = toLowerCase(textOf(name, "the name of a header"))
      return hasOwn(values, name) ? values[name] : null
    },
    has(name) {
      return hasOwn(values, toLowerCase(textOf(name, "the name of a header")))
    },
    entries() {
      const pairs = []
      for (let i = 0; i < names.length; i++) method(pairs, i, [names[i], values[names[i]]])
      return arrayValues(pairs)
    },
  }
  return freezeApi({
    status,
    ok: status >= 200 && status < 300,
    url,
    headers,
    async text() {
      return body
    },
    async json() {
      return fromJson(body)
    },
  })
}

// Freezes an object of the api and the objects and functions below it.
const freezeApi = (object) => {
  const names = keys(object)
  for (let i = 0; i < names.length; i++) {
    const value = object[names[i]]
    if (typeof value === "object" || typeof value === "function") freezeApi(value)
  }
  return freeze(object)
}

// Sets the world up for one invocation: gives what `execute` gets.
const begin = (read, time, high, low, output, line) => {
  now = time
  roomOfOutput = output
  roomOfLine = line
  seed(high, low)
  freezeAll(read)
  const input = { ...read.event, ...read, state: read.step }
  freeze(input)
  constant("event", read.event)
  constant("step", read.step)
  return input
}

const constant = (name, value) => defineProperty(globalThis, name, { __proto__: null, value, writable: false, enumerable: false, configurable: false })

// Runs the entry to its end, which the host is told of.
const drive = async (entry, input) => {
  try {
    conclude(await entry(input, api))
    host.done()
  } catch (thrown) {
    fail(thrown)
  }
}

const conclude = (result) => {
  if (result === undefined) return
  if (typeof result !== "object" || result === null) {
    return host.invalid(`\`execute\` must return an object with a \`kind\`, or nothing, not ${result === null ? "null" : article(typeof result)}`)
  }
  const kind = field(result, "kind")
  if (kind === "continue") return
  if (kind === "block") host.effect(BLOCK, optional(result, "code"), optional(result, "reason"))
  else if (kind === "demand_mfa") host.effect(DEMAND_MFA)
  else if (kind === "redirect") host.effect(REDIRECT, optional(result, "url"))
  else if (typeof kind === "string") host.invalid(`\`execute\` returned kind \`${slice(wellFormed(kind), 0, 40)}\`: the kinds are ${KINDS}`)
  else host.invalid(`what \`execute\` returned has no \`kind\`: the kinds are ${KINDS}`)
}

const optional = (result, name) => {
  const value = field(result, name)
  if (value !== undefined && typeof value !== "string") host.invalid(`\`${name}\` of what \`execute\` returned must be a string`)
  return value === undefined ? undefined : wellFormed(value)
}

const fail = (thrown) => {
  const { text, stack } = describe(thrown)
  host.failed(text, stack, thrown === null)
}

// The host's answers.
const settle = (id, waited, value, failed) => {
  now += waited
  const call = waiting[id]
  delete waiting[id]
  if (failed) call.reject(new PlainError(value))
  else call.resolve(value)
}
const settleFetch = (id, waited, status, url, lines, body) => settle(id, waited, responseOf(status, url, lines, body), false)
const settleRate = (id, waited, allowed, count, remaining, retryAfter) =>
  settle(id, waited, freeze({ allowed, count, remaining, retryAfter }), false)

export default (natives) => {
  host = natives
  constant("api", freezeApi(api))
  constant("console", freezeApi(logger))
  return { begin, drive, fail, settle, settleFetch, settleRate }
}
