// A passkey made and used in a real browser, with its virtual authenticator, through the pages of `admit run`.
//
//   node passkey.mjs ADMIT PROJECT [BROWSER]
//
// The pages are worked with the keyboard alone. Prints each step; ends with 1 where something is not as it must be.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";

const [admit, project, executablePath = "/usr/bin/chromium"] = process.argv.slice(2);
const folder = await mkdtemp(join(tmpdir(), "admit-passkey-"));
const database = join(folder, "test.db");

// Runs `admit run`; `visit` gets the address of each page that it opens.
function run(args, visit) {
  return new Promise((resolve, reject) => {
    const child = spawn(admit, ["run", ...args, "--project", project, "--database", database, "--pages", "--format", "json"]);
    let out = "";
    let notes = "";
    let seen = 0;
    child.stdout.on("data", (data) => (out += data));
    child.stderr.on("data", (data) => {
      notes += data;
      const addresses = [...notes.matchAll(/open (http:\/\/localhost:\d+\/\S+) /g)].map((match) => match[1]);
      for (const address of addresses.slice(seen)) {
        seen += 1;
        visit(address).catch((error) => {
          child.kill();
          reject(error);
        });
      }
    });
    child.on("error", reject);
    child.on("close", (code) => {
      try {
        resolve({ code, outcome: JSON.parse(out.trim().split("\n").at(-1)), notes });
      } catch (error) {
        reject(new Error(`${error.message}\n${out}\n${notes}`));
      }
    });
  });
}

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
page.on("pageerror", (error) => faults.push(String(error)));
page.on("console", (message) => {
  // Statuses of refused answers are said in words on the page.
  if (message.type() === "error" && !/status of \d+|favicon/.test(message.text())) faults.push(message.text());
});
const devtools = await context.newCDPSession(page);
await devtools.send("WebAuthn.enable");

async function authenticator() {
  const { authenticatorId } = await devtools.send("WebAuthn.addVirtualAuthenticator", {
    options: {
      protocol: "ctap2", transport: "internal", hasResidentKey: true, hasUserVerification: true, isUserVerified: true,
      automaticPresenceSimulation: true,
    },
  });
  return authenticatorId;
}

// Opens the page, and presses the button that has the focus.
async function press(address) {
  await page.goto(address);
  await page.waitForFunction(() => document.activeElement?.id === "go");
  await page.keyboard.press("Enter");
  await page.waitForSelector("body[data-state]");
  return page.getAttribute("body", "data-state");
}

const use = async (address) => assert.equal(await press(address), "done", await page.textContent("main"));
const first = ["login", "--event", `${project}/events/first.json`, "--input", `${project}/inputs/alice-first.json`];
const login = (input = "alice.json") =>
  ["login", "--event", `${project}/events/office.json`, "--input", `${project}/inputs/${input}`];

try {
  const id = await authenticator();

  const made = await run([...first, "--users", `${project}/users.jsonl`], use);
  assert.equal(made.outcome.outcome, "session", JSON.stringify(made));
  const { credentials } = await devtools.send("WebAuthn.getCredentials", { authenticatorId: id });
  assert.equal(credentials.length, 1);
  assert.equal(credentials[0].rpId, "localhost");
  console.log("a passkey is made after the password");

  const used = await run(login(), use);
  assert.equal(used.outcome.outcome, "session", JSON.stringify(used));
  assert.equal(used.outcome.session.aal, "aal2");
  assert.deepEqual(used.outcome.session.methods, ["webauthn"]);
  console.log("it signs in: aal2, no password");

  const headers = await run(login(), async (address) => {
    const response = await page.goto(address);
    assert.match(response.headers()["content-security-policy"], /default-src 'none'.*frame-ancestors 'none'/);
    assert.equal(await page.locator("h1").count(), 1);
    assert.equal(await page.getAttribute("html", "lang"), "en");
    // In a frame of another page it shows nothing.
    const other = await context.newPage();
    await other.setContent(`<iframe src="${address}"></iframe>`);
    await other.waitForTimeout(300);
    assert.equal(await other.frames().at(-1).locator("#go").count(), 0);
    await other.close();
    await use(address);
  });
  assert.equal(headers.outcome.outcome, "session");
  console.log("its page loads nothing from elsewhere and stands in no frame");

  await devtools.send("WebAuthn.setUserVerified", { authenticatorId: id, isUserVerified: false });
  const refused = await run(login(), async (address) => {
    assert.equal(await press(address), "failed");
    assert.notEqual(await page.textContent("[role=alert]"), "");
    await page.focus("#cancel");
    await page.keyboard.press("Enter");
    await page.waitForSelector("body[data-state=done]");
  });
  assert.equal(refused.outcome.outcome, "suspended", JSON.stringify(refused));
  await devtools.send("WebAuthn.setUserVerified", { authenticatorId: id, isUserVerified: true });
  console.log("without verification the page says so, and nobody is signed in");

  // A copy of the authenticator, from before: its counter stands behind.
  const { credentials: [now] } = await devtools.send("WebAuthn.getCredentials", { authenticatorId: id });
  assert.ok(now.signCount > credentials[0].signCount);
  await devtools.send("WebAuthn.removeVirtualAuthenticator", { authenticatorId: id });
  const copy = await authenticator();
  const { privateKey, credentialId, rpId, userHandle, isResidentCredential } = now;
  await devtools.send("WebAuthn.addCredential", {
    authenticatorId: copy,
    credential: { privateKey, credentialId, rpId, userHandle, isResidentCredential, signCount: 0 },
  });
  const cloned = await run(login(), use);
  assert.equal(cloned.outcome.outcome, "deny", JSON.stringify(cloned));
  console.log("a copy whose counter stands behind is refused");

  // Another user, and somebody unknown: the passkey is not theirs, and the pages look alike.
  await devtools.send("WebAuthn.removeVirtualAuthenticator", { authenticatorId: copy });
  const back = await authenticator();
  await devtools.send("WebAuthn.addCredential", { authenticatorId: back, credential: { ...now, signCount: now.signCount } });
  for (const who of ["bob.json", "nobody.json"]) {
    const other = await run(login(who), async (address) => {
      assert.equal(await press(address), "failed");
      await page.focus("#cancel");
      await page.keyboard.press("Enter");
      await page.waitForSelector("body[data-state=done]");
    });
    assert.equal(other.outcome.outcome, "suspended", JSON.stringify(other));
  }
  console.log("it is nobody else's");

  assert.deepEqual(faults, []);
  console.log("passkey: all as it must be");
} finally {
  await browser.close();
  await rm(folder, { recursive: true, force: true });
}
