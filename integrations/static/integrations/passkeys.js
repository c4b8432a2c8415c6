// Passkeys: asks the browser for one, or to make one, and sends its answer with the page's form.

const bytes = (text) =>
  Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));

/** Bytes as the portal reads them; null where the browser has none. */
function text(buffer) {
  if (!buffer) return null;
  const chars = Array.from(new Uint8Array(buffer), (byte) => String.fromCharCode(byte)).join("");
  return btoa(chars).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** The options with bytes in place of text; older browsers cannot read them by themselves. */
function readable(options) {
  const known = (list) => list?.map((one) => ({ ...one, id: bytes(one.id) }));
  const made = { ...options, challenge: bytes(options.challenge) };
  if (options.user) made.user = { ...options.user, id: bytes(options.user.id) };
  if (options.allowCredentials) made.allowCredentials = known(options.allowCredentials);
  if (options.excludeCredentials) made.excludeCredentials = known(options.excludeCredentials);
  return made;
}

/** What the browser answers, as text. */
function written(credential) {
  const { response } = credential;
  const said = { clientDataJSON: text(response.clientDataJSON) };
  if (response.attestationObject) {
    said.attestationObject = text(response.attestationObject);
    said.transports = response.getTransports?.() ?? [];
  } else {
    said.authenticatorData = text(response.authenticatorData);
    said.signature = text(response.signature);
    said.userHandle = text(response.userHandle);
  }
  return JSON.stringify({
    id: credential.id,
    rawId: text(credential.rawId),
    type: credential.type,
    authenticatorAttachment: credential.authenticatorAttachment ?? null,
    clientExtensionResults: {},
    response: said,
  });
}

/** What is to be asked: it stands in the page, or the portal is asked for it now. */
async function optionsOf(form) {
  if (form.dataset.options) return JSON.parse(form.dataset.options);
  const answer = await fetch(form.dataset.optionsUrl, {
    method: "POST",
    headers: { "X-CSRFToken": form.elements.csrfmiddlewaretoken.value },
  });
  if (!answer.ok) throw new DOMException("", "OptionsError");
  return answer.json();
}

const WORDS = {
  NotAllowedError: "Nothing was chosen, or it took too long. Try again.",
  InvalidStateError: "This device has a passkey for this portal already.",
  SecurityError: "The browser makes no passkeys at this address.",
  NotSupportedError: "This device makes no passkeys that the portal can check.",
  ConstraintError: "The device cannot check that it is you: give it a PIN, a finger or a face.",
  OptionsError: "The portal does not answer just now. Try again in a minute.",
};

/** Lets the button of a form ask for a passkey. */
function enable(form) {
  const button = form.querySelector("[data-passkey-ask]");
  const words = form.querySelector("[data-passkey-words]");
  const isNew = form.dataset.passkey === "create";
  const say = (said) => (words.textContent = said);
  if (location.origin !== form.dataset.origin)
    return say(`Passkeys work at ${form.dataset.origin} alone: open the portal there.`);
  if (!window.PublicKeyCredential) return say("This browser knows no passkeys.");
  // The sign-in page offers it where it can work, and is silent where it cannot.
  form.hidden = button.disabled = false;
  button.addEventListener("click", async () => {
    if (isNew && !form.reportValidity()) return;
    say("");
    button.disabled = true;
    try {
      const publicKey = readable(await optionsOf(form));
      const credential = await navigator.credentials[isNew ? "create" : "get"]({ publicKey });
      form.elements.passkey_answer.value = written(credential);
      form.submit();
    } catch (error) {
      say(WORDS[error.name] ?? "That did not work. Try again.");
    } finally {
      button.disabled = false;
    }
  });
}

for (const form of document.querySelectorAll("[data-passkey]")) enable(form);
