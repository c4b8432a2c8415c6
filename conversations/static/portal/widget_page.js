// Says so when the widget does not come, since a widget that is refused shows nothing at all.

const PATIENCE_MS = 8000;

const notice = document.querySelector("[data-widget-missing]");

/** The widget stands beside the body, and may come late: then nothing is amiss any more. */
function look() {
  notice.hidden = document.querySelector("#poly-ai-chat") !== null;
}

if (notice)
  setTimeout(() => {
    look();
    new MutationObserver(look).observe(document.documentElement, { childList: true });
  }, PATIENCE_MS);
