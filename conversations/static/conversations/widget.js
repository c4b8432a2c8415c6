// @ts-check
/** Load the chat widget: one script tag on any page, `data-key` is the channel's public key. */
(() => {
  const script = /** @type {HTMLScriptElement | null} */ (document.currentScript);
  const key = script?.dataset.key;
  if (!script || !key) {
    console.error("Chat widget: the script tag has no data-key. Copy the tag from the portal.");
    return;
  }
  if (window.HandoffChat) return;
  /** @type {Array<(api: object) => void>} */
  const waiting = [];
  const page = { onReady: (/** @type {(api: object) => void} */ run) => void waiting.push(run) };
  window.HandoffChat = window.WebchatAPI = page;

  const data = script.dataset;
  const options = {
    key,
    portal: new URL(script.src).origin,
    locale: data.locale ?? "",
    isAutoOpen: data.autoOpen === "true" || data.autoOpen === "",
    isFullscreen: data.renderMode === "fullscreen",
    hasIcon: data.showIcon !== "false",
    hasHeader: data.showHeader !== "false",
  };
  import(new URL("widget/bundle.js", script.src).href)
    .then((main) => main.start(options, page, waiting))
    .catch((error) => console.error("Chat widget: it could not start.", error));
})();
