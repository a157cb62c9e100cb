// The client against a server: `node client.mjs URL KEY REQUEST.json SEED`, the seed of the user's authenticator app in base32.
import assert from "node:assert/strict"
import { createHmac } from "node:crypto"
import { readFile } from "node:fs/promises"
import { Admit, Refused } from "admit-client"

const [url, key, file, seed] = process.argv.slice(2)
const start = JSON.parse(await readFile(file, "utf8"))
const admit = new Admit({ url, key })

/** The code of now (RFC 6238). */
function code(base32) {
  const bits = [...base32].map((letter) => "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".indexOf(letter).toString(2).padStart(5, "0")).join("")
  const bytes = Buffer.from(bits.match(/.{8}/g).map((byte) => Number.parseInt(byte, 2)))
  const step = Buffer.alloc(8)
  step.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000)))
  const hash = createHmac("sha1", bytes).update(step).digest()
  const number = hash.readUInt32BE(hash[19] & 15) & 0x7fffffff
  return String(number % 1_000_000).padStart(6, "0")
}

// A sign-in in one call: the run asks for a code, a wrong one is asked for again.
const asked = []
const ended = await admit.run("login", start, (waiting) => {
  asked.push(waiting)
  return { code: asked.length === 1 ? "000000" : code(seed) }
})
assert.equal(ended.outcome, "session", JSON.stringify(ended))
assert.ok(ended.token.length > 20)
assert.equal(asked.length, 2)
assert.notEqual(asked[0].resume_token, asked[1].resume_token)

// A connection that is lost after the server has answered: the answer of the first try is given again.
let lost = 0
const flaky = new Admit({
  url,
  key,
  fetch: async (request) => {
    const response = await fetch(request)
    if (request.method === "POST" && lost === 0) {
      lost += 1
      await response.text()
      throw new TypeError("the connection was lost")
    }
    return response
  },
})
const before = (await admit.calls.GET("/v1/runs", {})).data.runs.length
const started = await flaky.start("login", start)
assert.equal(lost, 1)
assert.equal((await admit.calls.GET("/v1/runs", {})).data.runs.length, before + 1)

// A refusal says why.
const twice = () => admit.resume({ run: started.run, resume_token: asked[0].resume_token }, { code: "000000" })
await assert.rejects(twice, (error) => error instanceof Refused && error.status === 409 && error.code === "not_resumable")
await assert.rejects(
  new Admit({ url, key: "admit_local.key_1.x" }).start("login", start),
  (error) => error instanceof Refused && error.code === "no_key",
)

// Audit entries as they come, from the first.
const abort = new AbortController()
const seen = []
for await (const entry of admit.audit({ type: "flow.*", after: 0, signal: abort.signal })) {
  seen.push(entry)
  if (entry.type === "flow.run_completed") break
}
abort.abort()
assert.ok(seen.every((entry) => entry.type.startsWith("flow.")), JSON.stringify(seen))
assert.ok(seen.some((entry) => entry.type === "flow.deployed"))

console.log("the client signs in, tries again safely, and hears what happens")
