// The ceremony: fetches the options, lets the browser ask the authenticator, and posts what it answers. Nothing is decided here.
"use strict";

const go = document.getElementById("go");
const cancel = document.getElementById("cancel");
const problem = document.getElementById("problem");
const status = document.getElementById("status");

const words = {
  NotAllowedError: "It was cancelled, took too long, or there is no passkey for this site here. You can try again.",
  InvalidStateError: "This device has a passkey for you already.",
  NotSupportedError: "This device offers no passkey of a kind that is accepted here.",
  SecurityError: "The browser does not allow passkeys of this site on this page.",
  ConstraintError: "This device cannot check that it is you, which is needed here.",
  AbortError: "It was interrupted. You can try again.",
};

function bytes(text) {
  const base64 = text.replace(/-/g, "+").replace(/_/g, "/");
  return Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
}

function text(buffer) {
  let binary = "";
  for (const byte of new Uint8Array(buffer)) binary += String.fromCharCode(byte);
  return btoa(binary).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
}

const descriptors = (list) => (list ?? []).map((each) => ({ ...each, id: bytes(each.id) }));

// As PublicKeyCredential.parse...OptionsFromJSON, which not every browser has.
function parse(ceremony, json) {
  const options = { ...json, challenge: bytes(json.challenge) };
  if (ceremony === "create") {
    options.user = { ...json.user, id: bytes(json.user.id) };
    options.excludeCredentials = descriptors(json.excludeCredentials);
  } else {
    options.allowCredentials = descriptors(json.allowCredentials);
  }
  return options;
}

// As PublicKeyCredential.toJSON, which not every browser has.
function encode(credential) {
  const from = credential.response;
  const response = { clientDataJSON: text(from.clientDataJSON) };
  if (from.attestationObject) {
    response.attestationObject = text(from.attestationObject);
    response.transports = from.getTransports?.() ?? [];
  } else {
    response.authenticatorData = text(from.authenticatorData);
    response.signature = text(from.signature);
    if (from.userHandle && from.userHandle.byteLength > 0) response.userHandle = text(from.userHandle);
  }
  return {
    id: credential.id,
    rawId: text(credential.rawId),
    type: credential.type,
    response,
    clientExtensionResults: credential.getClientExtensionResults(),
  };
}

async function post(answer) {
  const response = await fetch("answer", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(answer),
  });
  const said = await response.text();
  if (!response.ok) throw new Error(said);
  status.textContent = said;
  go.disabled = cancel.disabled = true;
  document.body.dataset.state = "done";
}

async function run(act) {
  problem.textContent = "";
  go.disabled = true;
  try {
    await act();
  } catch (error) {
    go.disabled = false;
    status.textContent = "";
    problem.textContent = words[error.name] ?? `It did not work: ${error.message}`;
    document.body.dataset.state = "failed";
  }
}

go.addEventListener("click", () => run(async () => {
  if (!window.PublicKeyCredential) throw new Error("this browser has no passkeys.");
  const { ceremony, options } = await (await fetch("options")).json();
  status.textContent = "Waiting for your device or security key.";
  const publicKey = parse(ceremony, options);
  const credential = await navigator.credentials[ceremony]({ publicKey });
  await post(encode(credential));
}));

cancel.addEventListener("click", () => run(() => post(null)));
