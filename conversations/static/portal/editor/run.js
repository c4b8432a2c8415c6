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
      // Whoever was signed out gets the sign-in page; in place of it their text stays here.
      if (answer.redirected) result.replaceChildren(signedOut());
      else result.innerHTML = await answer.text();
      result.scrollIntoView({ block: "nearest" });
    } catch {
      form.requestSubmit(button);
    } finally {
      button.disabled = false;
      result.removeAttribute("aria-busy");
    }
  });
}

/** Says how to run the source nevertheless. */
function signedOut() {
  const words = document.createElement("p");
  words.className = "banner banner-warning";
  const link = document.createElement("a");
  link.href = "/login/";
  link.target = "_blank";
  link.textContent = "Sign in in a new tab";
  const text = document.createElement("span");
  text.append("You were signed out. The source is still here: ", link, ", then run it again.");
  words.append(text);
  return words;
}
