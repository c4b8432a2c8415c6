// @ts-check
/** @import {Options} from "./types" */
/** @import {Refused, Unreachable} from "./api.js" */
/** Why the widget does not appear, for whoever looks into the console. Loaded when it does not. */

/** What keeps the widget from starting, and what to do about it.
 * @param {Options} options @param {unknown} error
 * @param {{Refused: typeof Refused, Unreachable: typeof Unreachable}} kinds the bundle's own */
export function cause({ portal, key }, error, { Refused, Unreachable }) {
  const { origin } = location;
  if (error instanceof Refused) {
    const { status, code, message } = error;
    if (code === "HOST_NOT_ALLOWED" && self.origin === "null") {
      return `${portal} refused the page ${origin}: it is in a sandbox and has no origin that could be allowed. ` +
        "Give the frame's sandbox attribute, or the sandbox of the page's Content-Security-Policy, allow-same-origin.";
    }
    if (code === "HOST_NOT_ALLOWED") {
      return `${portal} refused the page ${origin}: it is not among this widget's allowed pages. Add it there in the portal.`;
    }
    return status === 400 || status === 401
      ? `${portal} refused the key "${key}" on ${origin}. ${message} Copy the tag again from the portal.`
      : `${portal} answered with status ${status}. ${message}`;
  }
  if (!(error instanceof Unreachable)) return "it could not start.";
  return `${portal} could not be reached from ${origin}. ${whyUnreachable(portal)}`;
}

/** A page is not told, but some causes show. @param {string} portal */
function whyUnreachable(portal) {
  const { protocol, hostname } = new URL(portal);
  if (isSecureContext && protocol === "http:" && !isNear(hostname)) {
    return "A page with https may not call an address with http: serve the portal with TLS, and set PUBLIC_URL so.";
  }
  if (isNear(hostname) && !isNear(location.hostname)) {
    return "The portal is in a local network and the page is public: the browser asks the visitor for access to the " +
      "local network first, on pages with https only, and in a frame only with allow=\"local-network-access\". " +
      "Allow it in the settings of this page, or give the portal a public address.";
  }
  return "Check that the portal is running, and that the page's Content-Security-Policy has it in connect-src.";
}

/** Whether a host is on this machine or in its own network. @param {string} host */
function isNear(host) {
  return !host.includes(".") && !host.includes(":") || /\.(local|internal|lan|home\.arpa|localhost)$/.test(host) ||
    /^(127|10|192\.168|169\.254|172\.(1[6-9]|2\d|3[01])|100\.(6[4-9]|[7-9]\d|1[01]\d|12[0-7]))\./.test(host) ||
    /^\[(::1|f[cd]|fe[89ab])/.test(host);
}
