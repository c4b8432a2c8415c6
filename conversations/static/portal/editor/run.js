/** Runs the source as it stands and shows the result below it, without leaving the page. */
export function runInPlace(form, button, result) {
  button.addEventListener("click", async (event) => {
    event.preventDefault();
    button.disabled = true;
    result.setAttribute("aria-busy", "true");
    try {
      const answer = await fetch(button.formAction, {
        method: "POST",
        body: new FormData(form),
        headers: { "X-Requested-With": "fetch" },
      });
      if (!answer.ok) throw new Error(String(answer.status));
      result.innerHTML = await answer.text();
      result.scrollIntoView({ block: "nearest" });
    } catch {
      form.requestSubmit(button);
    } finally {
      button.disabled = false;
      result.removeAttribute("aria-busy");
    }
  });
}
