// The page: shows what the server says is asked, and sends what the user answers. It decides nothing, and keeps nothing.
"use strict";

const view = document.getElementById("view");
const title = document.getElementById("title");
const problem = document.getElementById("problem");
let csrf = "";

const LABELS = {
  code: "Code", password: "Password", phone: "Phone number", token: "Token", factor: "Factor",
};
const FACTORS = {
  totp: "Authenticator app", webauthn: "Passkey", backup_code: "Backup code", sms: "Text message", email: "E-mail",
};
const FAULTS = {
  NotAllowedError: "It was cancelled, took too long, or there is no passkey for this site here.",
  InvalidStateError: "This device has a passkey for you already.",
  SecurityError: "The browser does not allow passkeys of this site on this page.",
};

// --- talking to the server ----------------------------------------------------------------------------------------------

async function call(path, body) {
  const options = body && {
    method: "POST",
    headers: { "content-type": "application/json", "x-csrf-token": csrf },
    body: JSON.stringify(body),
  };
  const answer = await fetch(path, options || undefined);
  const state = await answer.json();
  if (state.csrf) {
    show(state);
  } else {
    problem.textContent = state.problem;
  }
}

// One thing at a time: buttons rest while an answer is awaited.
async function act(run) {
  problem.textContent = "";
  document.body.dataset.state = "busy";
  const buttons = [...view.querySelectorAll("button")];
  for (const button of buttons) button.disabled = true;
  try {
    await run();
  } catch (error) {
    problem.textContent = FAULTS[error.name] ?? "The server cannot be reached. Please try again.";
  }
  for (const button of buttons) button.disabled = false;
  document.body.dataset.state = "ready";
}

// --- what is shown ------------------------------------------------------------------------------------------------------

function show(state) {
  csrf = state.csrf;
  problem.textContent = state.problem ?? state.asks?.problem ?? "";
  view.replaceChildren();
  if (state.asks) showAsks(state.asks);
  else if (state.signed_in) showSignedIn(state.signed_in);
  else showSignIn();
  view.querySelector("input, button")?.focus();
}

function showSignIn() {
  title.textContent = "Sign in";
  const identifier = field("identifier", "E-mail address", { autocomplete: "username webauthn", type: "text" });
  const password = field("password", "Password", { autocomplete: "current-password", type: "password" });
  form([identifier, password, button("Sign in")], (given) => call("/api/sign-in", given));
  view.append(button("Use a passkey", () => {
    const typed = view.querySelector("[name=identifier]").value;
    return call("/api/sign-in", { identifier: typed, passkey: true });
  }));
}

function showSignedIn({ aal, methods }) {
  title.textContent = "You are signed in";
  const said = document.createElement("p");
  said.id = "session";
  said.textContent = `Level ${aal}, shown with ${methods.join(", ")}.`;
  view.append(said);
  view.append(button("Add an app or a passkey", () => call("/api/add-factor", {})));
  view.append(button("Sign out", () => call("/api/sign-out", {})));
}

// The challenge names the fields of its answer; what else it holds is shown as it is meant.
function showAsks(asks) {
  title.textContent = asks.kind === "mfa_enroll" ? "Add a factor" : "One more step";
  const wanted = asks.fields.filter((each) => each.required).map((each) => each.name);
  if (asks.qr_svg) showSeed(asks);
  if (asks.backup_codes) showBackupCodes(asks.backup_codes);
  if (wanted.includes("credential")) {
    view.append(button("Continue with the passkey", () => ceremony(asks.webauthn), true));
  } else if (wanted.includes("factor")) {
    for (const factor of asks.factors) view.append(button(FACTORS[factor] ?? factor, () => call("/api/answer", { factor })));
  } else {
    const fields = asks.fields.filter((each) => each.required).map(({ name, secret }) => {
      const code = name === "code";
      return field(name, LABELS[name] ?? name, {
        type: secret && !code ? "password" : "text",
        autocomplete: code ? "one-time-code" : "off",
      });
    });
    form([...fields, button("Continue")], (given) => call("/api/answer", given));
  }
  const others = asks.fields.some((each) => each.name === "factor" && !each.required) ? asks.factors ?? [] : [];
  for (const factor of others.filter((each) => each !== asks.factor)) {
    view.append(button(`Use instead: ${FACTORS[factor] ?? factor}`, () => call("/api/answer", { factor })));
  }
  view.append(button("Cancel", () => call("/api/cancel", {})));
}

function showSeed({ qr_svg, secret }) {
  const image = document.createElement("img");
  image.alt = "The QR code for your authenticator app";
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(qr_svg)}`;
  const said = document.createElement("p");
  const seed = document.createElement("code");
  seed.id = "seed";
  seed.textContent = secret;
  said.append("Scan it with your app, or type ", seed);
  view.append(image, said);
}

function showBackupCodes(codes) {
  const said = document.createElement("p");
  said.textContent = "Keep these codes. Each works once, without your app.";
  const list = document.createElement("ol");
  list.id = "backup-codes";
  for (const code of codes) list.append(Object.assign(document.createElement("li"), { textContent: code }));
  view.append(said, list);
}

function form(parts, send) {
  const made = document.createElement("form");
  made.append(...parts);
  made.addEventListener("submit", (event) => {
    event.preventDefault();
    act(() => send(Object.fromEntries(new FormData(made))));
  });
  view.append(made);
}

function field(name, text, attributes) {
  const label = document.createElement("label");
  label.append(text, Object.assign(document.createElement("input"), { name, ...attributes }));
  return label;
}

function button(text, run, main = !run) {
  const made = document.createElement("button");
  made.textContent = text;
  made.type = run ? "button" : "submit";
  if (main) made.className = "main";
  if (run) made.addEventListener("click", () => act(run));
  return made;
}

// --- passkeys -----------------------------------------------------------------------------------------------------------

async function ceremony({ ceremony, options }) {
  const publicKey = parse(ceremony, options);
  const credential = await navigator.credentials[ceremony]({ publicKey });
  await call("/api/answer", { credential: encode(credential) });
}

// As PublicKeyCredential.parse...OptionsFromJSON and toJSON, which not every browser has.
function parse(ceremony, json) {
  const descriptors = (list) => (list ?? []).map((each) => ({ ...each, id: bytes(each.id) }));
  const options = { ...json, challenge: bytes(json.challenge) };
  if (ceremony === "create") {
    options.user = { ...json.user, id: bytes(json.user.id) };
    options.excludeCredentials = descriptors(json.excludeCredentials);
  } else {
    options.allowCredentials = descriptors(json.allowCredentials);
  }
  return options;
}

function encode(credential) {
  const from = credential.response;
  const response = { clientDataJSON: base64url(from.clientDataJSON) };
  if (from.attestationObject) {
    response.attestationObject = base64url(from.attestationObject);
    response.transports = from.getTransports?.() ?? [];
  } else {
    response.authenticatorData = base64url(from.authenticatorData);
    response.signature = base64url(from.signature);
    if (from.userHandle?.byteLength > 0) response.userHandle = base64url(from.userHandle);
  }
  return {
    id: credential.id,
    rawId: base64url(credential.rawId),
    type: credential.type,
    response,
    clientExtensionResults: credential.getClientExtensionResults(),
  };
}

function bytes(text) {
  return Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (letter) => letter.charCodeAt(0));
}

function base64url(buffer) {
  let binary = "";
  for (const byte of new Uint8Array(buffer)) binary += String.fromCharCode(byte);
  return btoa(binary).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
}

act(() => call("/api/state"));
