// @ts-check
/** Load the chat widget: one script tag on any page, `data-key` is the channel's public key. */
(() => {
  const script = tagOf();
  const address = script && new URL(script.src, location.href);
  // Tag managers drop data-* attributes: the key may stand in the address too.
  const given = script?.dataset.key || address?.searchParams.get("key");
  const key = given?.replace(/^["'“”‘’\s]+|["'“”‘’\s]+$/g, ""); // as text programs paste it
  if (!script || !address || !key) {
    console.error("Chat widget: the script tag has no data-key. Copy the tag from the portal.");
    return;
  }
  if (window.HandoffChat) {
    const other = window.HandoffChat.key;
    if (other !== key) {
      console.warn(`Chat widget: ${other ? `the key "${other}"` : "another HandoffChat"} is on this page already, so "${key}" is not started.`);
    }
    return;
  }
  /** @type {Array<(api: object) => void>} */
  const waiting = [];
  const page = { key, onReady: (/** @type {(api: object) => void} */ run) => void waiting.push(run) };
  window.HandoffChat = window.WebchatAPI = page;

  const data = script.dataset;
  const options = {
    key,
    portal: address.origin,
    locale: data.locale ?? "",
    variant: data.variant ?? "",
    isAutoOpen: data.autoOpen === "true" || data.autoOpen === "",
    isFullscreen: data.renderMode === "fullscreen",
    hasIcon: data.showIcon !== "false",
    hasHeader: data.showHeader !== "false",
    container: data.renderMode === "inline" ? data.container || "#poly-ai-chat" : undefined,
    platform: { ios: "ios-web", android: "android-web" }[data.platform ?? ""] ?? "web",
  };
  import(new URL("widget/bundle.js", address).href).then(
    (main) => main.start(options, page, waiting),
    (error) => console.error(
      `Chat widget: its program did not load from ${address.origin}. A Content-Security-Policy ` +
        "whose script-src lacks that origin, a content blocker or the network is in the way.", error),
  ).catch((error) => console.error("Chat widget: it could not start.", error));

  /** The tag of this script; a module has no current one.
   * @returns {HTMLScriptElement | undefined} */
  function tagOf() {
    const current = document.currentScript;
    if (current instanceof HTMLScriptElement && current.src) return current;
    const tags = [...document.querySelectorAll("script")].filter(({ src }) => /\/conversations\/widget\.js(\?|$)/.test(src));
    return tags.find(({ dataset }) => dataset.key) ?? tags.at(-1);
  }
})();
