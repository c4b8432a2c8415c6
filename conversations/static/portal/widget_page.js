// Says so when the widget does not come, since a widget that is refused shows nothing at all.

const PATIENCE_MS = 8000;

const notice = document.querySelector("[data-widget-missing]");
const before = new Set(document.body.children);
if (notice)
  setTimeout(() => {
    const hasCome = [...document.body.children].some(
      (element) => !before.has(element) && element.shadowRoot !== null,
    );
    notice.hidden = hasCome || document.querySelector("#poly-ai-chat") !== null;
  }, PATIENCE_MS);
