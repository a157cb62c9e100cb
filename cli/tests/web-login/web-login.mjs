// The example `web-login` in a real browser: password, authenticator app and passkey, through its own server and a real `admit serve`.
//
//   node web-login.mjs ADMIT PROJECT [BROWSER]
//
// Prints each step; ends with 1 where something is not as it must be.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createHmac } from "node:crypto";
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, request as ask } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { chromium } from "playwright-core";

const [admit, project, executablePath = "/usr/bin/chromium"] = process.argv.slice(2);
const folder = await mkdtemp(join(tmpdir(), "admit-web-login-"));
const children = [];

// Starts a program; gives its lines up to the one that `until` accepts.
async function started(command, args, options, until) {
  const child = spawn(command, args, { ...options, stdio: ["ignore", "pipe", "inherit"] });
  children.push(child);
  const lines = [];
  const gone = new Promise((_, reject) => child.on("close", (code) => reject(new Error(`${command} ended with ${code}`))));
  gone.catch(() => {});
  const ready = (async () => {
    for await (const line of createInterface({ input: child.stdout })) {
      lines.push(line);
      if (until(line)) return lines;
    }
    throw new Error(`${command} said ${lines.join("\n")}`);
  })();
  return Promise.race([ready, gone]);
}

const freePort = () =>
  new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });

// RFC 6238 over RFC 4648 base32, by nothing of ours.
function totp(seed, steps = 0) {
  const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  const bits = [...seed].map((letter) => letters.indexOf(letter).toString(2).padStart(5, "0")).join("");
  const key = Buffer.from(bits.match(/.{8}/g).map((byte) => parseInt(byte, 2)));
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000) + steps));
  const mac = createHmac("sha1", key).update(counter).digest();
  const at = mac[19] & 15;
  return String((mac.readUInt32BE(at) & 0x7fffffff) % 1_000_000).padStart(6, "0");
}

// A request from no browser.
function raw(origin, path, { method = "POST", headers = {}, body = "{}" } = {}) {
  return new Promise((resolve, reject) => {
    const sent = ask(new URL(path, origin), { method, headers }, (answer) => {
      let text = "";
      answer.on("data", (part) => (text += part));
      answer.on("end", () => resolve({ status: answer.statusCode, headers: answer.headers, text }));
    });
    sent.on("error", reject);
    sent.end(method === "GET" ? undefined : body);
  });
}

const port = await freePort();
const origin = `http://localhost:${port}`;
const copy = join(folder, "project");
await cp(project, copy, { recursive: true });
const manifest = await readFile(join(copy, "admit.toml"), "utf8");
await writeFile(join(copy, "admit.toml"), manifest.replace("http://localhost:3000", origin));
const serve = ["serve", "--project", copy, "--users", join(copy, "users.jsonl"), "--database", join(folder, "test.db"), "--listen", "127.0.0.1:0"];
const said = await started(admit, serve, {}, (line) => line === "ready");
const after = (words) => said.find((line) => line.startsWith(words))?.slice(words.length);
const [address, key] = [after("listening on "), after("API key, shown this once: ")];
const env = { ...process.env, ADMIT_KEY: key, ADMIT_URL: address, ORIGIN: origin };
await started("node", [join(copy, "server.mjs")], { env }, (line) => line === `open ${origin}`);

const browser = await chromium.launch({
  executablePath,
  args: [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
  ],
});
const context = await browser.newContext();
const page = await context.newPage();
const faults = [];
// All that the browser has received: nothing of what the server holds may be in it.
const received = [];
page.on("pageerror", (error) => faults.push(String(error)));
page.on("console", (message) => {
  if (message.type() === "error" && !/status of \d+/.test(message.text())) faults.push(message.text());
});
page.on("response", async (response) => {
  const head = JSON.stringify(response.headers());
  received.push(head + (await response.text().catch(() => "")));
});
const devtools = await context.newCDPSession(page);
await devtools.send("WebAuthn.enable");
const { authenticatorId } = await devtools.send("WebAuthn.addVirtualAuthenticator", {
  options: {
    protocol: "ctap2", transport: "internal", hasResidentKey: true, hasUserVerification: true, isUserVerified: true,
    automaticPresenceSimulation: true,
  },
});

const title = () => page.textContent("#title");
const problem = () => page.textContent("#problem");
const settled = () => page.waitForSelector("body[data-state=ready]");

async function press(name) {
  await page.getByRole("button", { name, exact: true }).click();
  await settled();
}

async function signIn(identifier, password) {
  await page.getByLabel("E-mail address").fill(identifier);
  await page.getByLabel("Password").fill(password);
  await press("Sign in");
}

const session = () => page.textContent("#session");
const visit = async () => (await context.cookies()).find((cookie) => cookie.name === "visit");

try {
  const first = await page.goto(origin);
  await settled();
  const policy = first.headers()["content-security-policy"];
  assert.match(policy, /default-src 'none'.*script-src 'self'.*frame-ancestors 'none'/);
  assert.doesNotMatch(policy, /unsafe|\*/);
  const before = await visit();
  assert.deepEqual([before.httpOnly, before.sameSite, before.secure], [true, "Strict", false]);
  assert.equal(await page.evaluate(() => document.cookie), "");
  console.log("the page comes with a policy without exceptions, and its cookie is not for scripts");

  const told = [];
  for (const [who, password] of [["bob@example.com", "not the password"], ["nobody@example.com", "not the password"], ["", ""]]) {
    await signIn(who, password);
    told.push(await problem());
  }
  assert.ok(told[0] !== "" && told.every((each) => each === told[0]), told.join("\n"));
  console.log("a wrong password and somebody unknown are told the same");

  await signIn("bob@example.com", "a long enough sentence");
  assert.equal(await title(), "You are signed in");
  assert.equal(await session(), "Level aal1, shown with password.");
  const now = await visit();
  assert.notEqual(now.value, before.value);
  console.log("a password signs in, with a cookie that nobody knew before");

  // A page of somebody else: it makes the browser send what it can.
  const evil = createServer((_, answer) => answer.setHeader("content-type", "text/html").end("<p>other</p>")).listen(0, "127.0.0.1");
  const stranger = await context.newPage();
  await stranger.goto(`http://127.0.0.1:${evil.address().port}/`);
  await stranger.setContent(`<iframe src="${origin}/"></iframe>
    <form action="${origin}/api/sign-out" method="post" enctype="text/plain" target="_self"><input name="{}" value=""></form>`);
  await stranger.waitForTimeout(300);
  assert.equal(await stranger.frames().at(-1).locator("#title").count(), 0, "it stands in a frame");
  const foreign = await stranger.evaluate(async (url) => {
    const tries = [
      [`${url}/api/state`, {}],
      [`${url}/api/sign-out`, { method: "POST", body: "{}" }],
      [`${url}/api/sign-out`, { method: "POST", body: "{}", headers: { "content-type": "application/json" } }],
    ];
    const seen = [];
    for (const [address, options] of tries) {
      seen.push(await fetch(address, { credentials: "include", ...options }).then(() => "read", () => "refused"));
    }
    return seen;
  }, origin);
  assert.deepEqual(foreign, ["refused", "refused", "refused"]);
  await stranger.evaluate(() => document.forms[0].submit());
  await stranger.waitForLoadState();
  await stranger.close();
  evil.close();
  await page.reload();
  await settled();
  assert.equal(await title(), "You are signed in");
  console.log("t30: another site neither frames it, nor reads from it, nor signs anybody out");

  const cookie = `visit=${(await visit()).value}`;
  const { csrf } = JSON.parse((await raw(origin, "/api/state", { method: "GET", headers: { cookie } })).text);
  const good = { cookie, origin, "content-type": "application/json", "x-csrf-token": csrf };
  const without = (name) => Object.fromEntries(Object.entries(good).filter(([known]) => known !== name));
  for (const [what, headers] of [
    ["no cookie", without("cookie")],
    ["no origin", without("origin")],
    ["another origin", { ...good, origin: "http://localhost:1" }],
    ["no token", without("x-csrf-token")],
    ["another token", { ...good, "x-csrf-token": csrf.slice(1) + "A" }],
    ["a form's type", { ...good, "content-type": "text/plain" }],
    ["another site", { ...good, "sec-fetch-site": "cross-site" }],
  ]) {
    assert.equal((await raw(origin, "/api/add-factor", { headers })).status, 403, what);
  }
  assert.equal((await raw(origin, "/", { method: "GET", headers: { host: "evil.example" } })).status, 421);
  assert.equal((await raw(origin, "/api/answer", { headers: good, body: "[" })).status, 400);
  assert.equal((await raw(origin, "/api/answer", { headers: good, body: `{"x": "${"y".repeat(40_000)}"}` })).status, 400);
  assert.equal((await raw(origin, "/../server.mjs", { method: "GET" })).status, 404);
  assert.equal((await raw(origin, "/api/__proto__", { headers: good })).status, 404);
  console.log("t30: without cookie, origin, type and token together nothing is done");

  await press("Add an app or a passkey");
  await press("Passkey");
  await press("Continue with the passkey");
  // With the first factor come backup codes.
  assert.equal(await page.locator("#backup-codes li").count(), 10);
  await press("Continue");
  assert.equal(await title(), "You are signed in");
  const { credentials } = await devtools.send("WebAuthn.getCredentials", { authenticatorId });
  assert.deepEqual(credentials.map((each) => each.rpId), ["localhost"]);
  await press("Sign out");
  assert.equal(await title(), "Sign in");
  console.log("a passkey is made within the session");

  await page.getByLabel("E-mail address").fill("bob@example.com");
  await press("Use a passkey");
  await press("Continue with the passkey");
  assert.equal(await session(), "Level aal2, shown with webauthn.");
  await press("Sign out");
  console.log("it signs in: two factors in one");

  await page.getByLabel("E-mail address").fill("alice@example.com");
  await press("Use a passkey");
  await press("Continue with the passkey");
  assert.notEqual(await problem(), "");
  await press("Cancel");
  assert.equal(await title(), "Sign in");
  console.log("it is nobody else's");

  const seed = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";
  await signIn("alice@example.com", "correct horse battery staple");
  assert.equal(await title(), "One more step");
  await page.getByLabel("Code").fill("000000");
  await press("Continue");
  assert.notEqual(await problem(), "");
  await page.getByLabel("Code").fill(totp(seed));
  await press("Continue");
  assert.equal(await session(), "Level aal2, shown with password, totp.");
  console.log("an app's code is asked for after the password, and a wrong one again");

  await press("Sign out");
  await signIn("bob@example.com", "a long enough sentence");
  await press("Continue with the passkey");
  assert.equal(await session(), "Level aal2, shown with password, webauthn.");
  await press("Add an app or a passkey");
  await press("Authenticator app");
  const fresh = await page.textContent("#seed");
  await page.getByLabel("Code").fill(totp(fresh));
  await press("Continue");
  assert.equal(await title(), "You are signed in");
  await press("Sign out");
  await signIn("bob@example.com", "a long enough sentence");
  await page.getByLabel("Code").fill(totp(fresh, 1));
  await press("Continue");
  assert.equal(await session(), "Level aal2, shown with password, totp.");
  await press("Sign out");
  console.log("an app is set up once the passkey was shown, and is asked for from then on");

  const all = received.join("\n");
  assert.ok(all.includes("csrf"), "nothing was kept of what the browser received");
  for (const [what, secret] of [["the API key", key], ["a resume token", "resume_token"], ["a session's token", "eyJ"]]) {
    assert.ok(!all.includes(secret), `the browser has received ${what}`);
  }
  assert.deepEqual(faults, []);
  console.log("web-login: all as it must be");
} finally {
  await browser.close();
  for (const child of children) child.kill();
  await rm(folder, { recursive: true, force: true });
}
