// Shows of a step's form what its kind uses; without script all of it is there.
const form = document.querySelector("[data-step-kind]");
const kind = form.querySelector("[name=kind]");

function show() {
  for (const part of form.querySelectorAll("[data-for]")) {
    part.hidden = !part.dataset.for.split(" ").includes(kind.value);
  }
}

kind.addEventListener("change", show);
show();
