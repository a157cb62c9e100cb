// An OpenID provider on this machine, a browser that signs in at it, and a second opinion on JWTs; spoken to line by line. Its argument
// is JSON: a list of more clients.
//   sign-in URL       follows URL as a browser would, signs in and consents, and tells where it is sent at the end
//   visit URL         the same, begun at another page and followed back to it: tells the status and text of the last page
//   verify JWKS JWT [EXPECTED]
//                     verifies with jose (EXPECTED: its options as JSON), and tells the claims, or `refused: ...`
import { createServer } from "node:http"
import { createInterface } from "node:readline"
import { createLocalJWKSet, jwtVerify } from "jose"
import Provider from "oidc-provider"

// What the provider notes is not for the protocol below.
console.info = console.error

const server = createServer()
await new Promise((done) => server.listen(0, "127.0.0.1", done))
const issuer = `http://127.0.0.1:${server.address().port}`

const client = (client_id, more) => ({ client_id, redirect_uris: ["https://app.example/callback"], ...more })
const provider = new Provider(issuer, {
  clients: [
    client("basic", { client_secret: "s3cret of basic & co" }),
    client("post", { client_secret: "s3cret-of-post", token_endpoint_auth_method: "client_secret_post" }),
    client("public", { token_endpoint_auth_method: "none" }),
    client("terminal", {
      application_type: "native",
      redirect_uris: ["http://127.0.0.1/callback"],
      token_endpoint_auth_method: "none",
    }),
    ...JSON.parse(process.argv[2] ?? "[]").map((more) => client(more.client_id, more)),
  ],
  claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["name"] },
  conformIdTokenClaims: false,
  cookies: { keys: ["cookies of tests"] },
  findAccount: (_, id) => ({
    accountId: id,
    claims: () => ({ sub: id, email: `${id}@cymmetri.com`, email_verified: true, name: `The ${id}` }),
  }),
  pkce: { required: () => true },
})
server.on("request", provider.callback())

async function signIn(url, follows) {
  const jar = new Map()
  let form
  for (let hop = 0; hop < 20; hop += 1) {
    const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join("; ")
    const answer = await fetch(url, {
      method: form ? "POST" : "GET",
      headers: { cookie, ...(form && { "content-type": "application/x-www-form-urlencoded" }) },
      body: form,
      redirect: "manual",
    })
    for (const set of answer.headers.getSetCookie()) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(set)
      jar.set(name, value)
    }
    const text = await answer.text()
    const location = answer.headers.get("location")
    form = undefined
    if (location) {
      url = new URL(location, url).href
      if (!follows && !url.startsWith(issuer)) return url
    } else if (/name="prompt" value="login"/.test(text)) {
      form = "prompt=login&login=carol&password=x"
    } else if (/name="prompt" value="consent"/.test(text)) {
      form = "prompt=consent"
    } else if (follows && !url.startsWith(issuer)) {
      return `${answer.status} ${text.replace(/\s+/g, " ")}`
    } else {
      return `stuck: ${answer.status} ${text.replace(/\s+/g, " ").slice(0, 300)}`
    }
  }
  return "stuck: too many hops"
}

async function verify(set, token, expected) {
  try {
    const options = JSON.parse(expected ?? "{}")
    const { payload, protectedHeader } = await jwtVerify(token, createLocalJWKSet(JSON.parse(set)), options)
    return JSON.stringify({ ...payload, header: protectedHeader })
  } catch (error) {
    return `refused: ${error.code}`
  }
}

console.log(issuer)
const commands = {
  "sign-in": (url) => signIn(url, false),
  visit: (url) => signIn(url, true),
  verify,
}
for await (const line of createInterface({ input: process.stdin })) {
  const [command, ...rest] = line.split("\t")
  console.log(await commands[command](...rest))
}
process.exit(0)
