// The web application's own server: it holds the API key, the runs that wait and the sessions; the browser holds one cookie.
//
//   ADMIT_KEY=... node server.mjs
//
// ADMIT_URL is where `admit serve` listens, ORIGIN where browsers find this server. Nothing but Node.js is needed.

import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";

const { ADMIT_KEY, ADMIT_URL = "http://127.0.0.1:8080", ORIGIN = "http://localhost:3000", LISTEN = "127.0.0.1" } = process.env;
if (!ADMIT_KEY) {
  console.error("ADMIT_KEY is not set: give the API key that `admit serve` printed, or one of the scope `run`");
  process.exit(2);
}
const origin = new URL(ORIGIN);
const secure = origin.protocol === "https:";

const LONGEST_BODY = 32 * 1024;
const MOST_VISITS = 10_000;
const IDLE_MS = 60 * 60 * 1000;

// --- visits: what the server knows of a browser -------------------------------------------------------------------------

// The prefix lets no other host set the cookie (RFC 6265bis section 4.1.3.2); browsers want `Secure` with it.
const COOKIE = secure ? "__Host-visit" : "visit";
const visits = new Map(); // hash of the cookie -> { csrf, run, session, at }

const unguessable = () => randomBytes(32).toString("base64url");
const hash = (text) => createHash("sha256").update(text).digest("base64url");
const same = (one, other) => timingSafeEqual(Buffer.from(hash(one)), Buffer.from(hash(other)));

function cookieOf(request) {
  const pairs = (request.headers.cookie ?? "").split(";").map((pair) => pair.trim().split("="));
  return pairs.find(([name]) => name === COOKIE)?.[1];
}

function visitOf(request) {
  const cookie = cookieOf(request);
  const visit = cookie && visits.get(hash(cookie));
  if (!visit || Date.now() - visit.at > IDLE_MS) return undefined;
  visit.at = Date.now();
  return visit;
}

// A new cookie: at the first visit, and whenever somebody signs in or out, so that no cookie from before is worth anything after.
function begin(request, response, session) {
  const old = cookieOf(request);
  if (old) visits.delete(hash(old));
  if (visits.size >= MOST_VISITS) visits.delete(visits.keys().next().value);
  const cookie = unguessable();
  const visit = { csrf: unguessable(), run: undefined, session, at: Date.now() };
  visits.set(hash(cookie), visit);
  const attributes = ["Path=/", "HttpOnly", "SameSite=Strict", ...(secure ? ["Secure"] : [])];
  response.setHeader("set-cookie", `${COOKIE}=${cookie}; ${attributes.join("; ")}`);
  return visit;
}

// --- admit --------------------------------------------------------------------------------------------------------------

async function admit(path, body) {
  const answer = await fetch(new URL(path, ADMIT_URL), {
    method: "POST",
    headers: { authorization: `Bearer ${ADMIT_KEY}`, "content-type": "application/json" },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(30_000),
  });
  const said = await answer.json();
  if (answer.ok) return said;
  // The code says what happened; the text may be logged, and is nothing for the user.
  console.error(`admit answers ${answer.status} ${said.code}`);
  throw new Refusal(answer.status === 409 ? "That took too long, or was answered already. Please begin again." : undefined);
}

class Refusal extends Error {}

// What the platform knows. Behind a proxy, take the address from the header that the proxy sets, and from no other.
function event(request, transaction = {}) {
  return {
    client: { id: "web-login", name: "Web login", type: "web", first_party: true },
    connection: { id: "database", strategy: "database" },
    request: {
      ip: (request.socket.remoteAddress ?? "").replace(/^::ffff:/, ""),
      method: request.method,
      path: request.url,
      user_agent: String(request.headers["user-agent"] ?? "").slice(0, 500),
    },
    transaction: { id: `txn_${unguessable()}`, ...transaction },
  };
}

const start = (flow, request, visit, { input, transaction } = {}) =>
  admit(`/v1/flows/${flow}/runs`, {
    event: event(request, transaction),
    ...(input && { input }),
    ...(visit.session && { session_token: visit.session.token }),
  });

// What a run came to, for the page. Tokens stay here.
function outcome(said, request, response, visit) {
  visit.run = undefined;
  switch (said.outcome) {
    case "session": {
      const { aal, methods } = said.session;
      return state(begin(request, response, { token: said.token, aal, methods }));
    }
    case "suspended":
      visit.run = { id: said.run, token: said.resume_token, challenge: said.challenge };
      return state(visit, said.problem ?? undefined);
    case "finalized":
      return state(visit);
    case "deny":
      return state(visit, said.user_message ?? "That did not work. Please check what you have entered, and try again.");
    default:
      return state(visit, "Something went wrong. Please try again.");
  }
}

const state = (visit, problem) => ({
  csrf: visit.csrf,
  signed_in: visit.session && { aal: visit.session.aal, methods: visit.session.methods },
  asks: visit.run?.challenge,
  problem,
});

// --- routes -------------------------------------------------------------------------------------------------------------

const actions = {
  "/api/sign-in": async (body, request, response, visit) => {
    const identifier = String(body.identifier ?? "");
    const said = body.passkey
      ? await start("login", request, {}, { input: { identifier }, transaction: { acr_values: ["phr"] } })
      : await start("login", request, {}, { input: { identifier, password: String(body.password ?? "") } });
    return outcome(said, request, response, visit);
  },
  // The answer to what is asked. Its form is checked by the block that asks.
  "/api/answer": async (body, request, response, visit) => {
    const { run } = visit;
    if (!run) return state(visit, "Nothing is asked any more. Please begin again.");
    visit.run = undefined;
    const said = await admit(`/v1/runs/${run.id}/resume`, { resume_token: run.token, input: body });
    return outcome(said, request, response, visit);
  },
  "/api/cancel": async (_body, _request, _response, visit) => {
    visit.run = undefined;
    return state(visit);
  },
  "/api/add-factor": async (_body, request, response, visit) => {
    if (!visit.session) return state(visit, "Please sign in first.");
    const said = await start("mfa-enrol", request, visit);
    if (said.outcome === "deny" && said.reason === "not_authenticated") return state(begin(request, response), "Please sign in again.");
    return outcome(said, request, response, visit);
  },
  "/api/sign-out": async (_body, request, response, visit) => {
    const { session } = visit;
    const fresh = begin(request, response);
    // Signed out here, whatever becomes of the call.
    if (session) await start("logout", request, { session }).catch((error) => console.error(`the session is not ended: ${error.message}`));
    return state(fresh);
  },
};

const page = (name, type) => [type, readFileSync(new URL(`page/${name}`, import.meta.url))];
const pages = {
  "/": page("index.html", "text/html; charset=utf-8"),
  "/app.js": page("app.js", "text/javascript; charset=utf-8"),
  "/style.css": page("style.css", "text/css; charset=utf-8"),
};

const HEADERS = {
  "content-security-policy":
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; connect-src 'self'; form-action 'none'; " +
    "base-uri 'none'; frame-ancestors 'none'",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
  "cache-control": "no-store",
  ...(secure && { "strict-transport-security": "max-age=31536000" }),
};

// Only our own page may ask for something to be done: another site can make a browser send the cookie along at most.
function isOwn(request, visit) {
  const site = request.headers["sec-fetch-site"];
  return (
    request.headers.origin === origin.origin &&
    (site === undefined || site === "same-origin") &&
    request.headers["content-type"] === "application/json" &&
    visit !== undefined &&
    same(visit.csrf, String(request.headers["x-csrf-token"] ?? ""))
  );
}

async function read(request) {
  const parts = [];
  let size = 0;
  for await (const part of request) {
    size += part.length;
    if (size > LONGEST_BODY) return undefined;
    parts.push(part);
  }
  try {
    const body = JSON.parse(Buffer.concat(parts).toString("utf8"));
    return body !== null && typeof body === "object" && !Array.isArray(body) ? body : undefined;
  } catch {
    return undefined;
  }
}

async function answer(request, response) {
  const send = (status, body, type = "application/json") => {
    response.writeHead(status, { "content-type": type });
    response.end(type === "application/json" ? JSON.stringify(body) : body);
  };
  // Another name that leads here (DNS rebinding) is not us.
  if (request.headers.host !== origin.host) return send(421, { problem: "This is not the address of this application." });
  if (request.method === "GET" && request.url in pages) {
    const [type, body] = pages[request.url];
    return send(200, body, type);
  }
  if (request.method === "GET" && request.url === "/api/state") {
    return send(200, state(visitOf(request) ?? begin(request, response)));
  }
  if (request.method !== "POST" || !Object.hasOwn(actions, request.url)) return send(404, { problem: "There is nothing here." });
  const visit = visitOf(request);
  if (!isOwn(request, visit)) return send(403, { problem: "Please load the page again." });
  const body = await read(request);
  if (!body) return send(400, { problem: "The request cannot be read." });
  try {
    send(200, await actions[request.url](body, request, response, visit));
  } catch (error) {
    if (!(error instanceof Refusal)) console.error(`admit cannot be asked: ${error.message}`);
    send(502, { ...state(visitOf(request) ?? visit), problem: error.message && error instanceof Refusal ? error.message : "Please try again in a moment." });
  }
}

const server = createServer({ maxHeaderSize: 16 * 1024, requestTimeout: 15_000, headersTimeout: 5_000 }, (request, response) => {
  for (const [name, value] of Object.entries(HEADERS)) response.setHeader(name, value);
  answer(request, response).catch((error) => {
    console.error(error.message);
    response.destroy();
  });
});

server.on("error", (error) => {
  console.error(`cannot listen: ${error.message}`);
  process.exit(1);
});
server.listen(Number(origin.port || (secure ? 443 : 80)), LISTEN, () => console.log(`open ${origin.origin}`));
