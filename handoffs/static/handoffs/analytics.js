// Charts by pointer and keys: one stop for Tab, the arrows go from column to column, Enter opens.

for (const chart of document.querySelectorAll("[data-chart]")) frame(chart);

/** Puts a chart into a frame that takes the focus, with a line that says what is under it. */
function frame(chart) {
  const places = [...chart.querySelectorAll(".hit")];
  if (!places.length) return;
  const outer = document.createElement("div");
  outer.className = "chart-frame";
  outer.tabIndex = 0;
  outer.setAttribute("role", "group");
  outer.setAttribute("aria-label", `${chart.getAttribute("aria-label")} Arrow keys read it.`);
  const line = document.createElement("p");
  line.className = "chart-line muted small no-print";
  line.setAttribute("role", "status");
  chart.replaceWith(outer);
  outer.append(chart);
  outer.after(line);
  let at = -1;

  const show = (place) => {
    if (place < 0 || place >= places.length) return;
    places[at]?.classList.remove("hit-on");
    at = place;
    places[at].classList.add("hit-on");
    line.textContent = places[at].dataset.said;
  };
  const open = () => {
    const to = places[at]?.dataset.href;
    if (to) location.assign(to);
  };
  outer.addEventListener("keydown", (event) => {
    const steps = { ArrowRight: at + 1, ArrowLeft: Math.max(at - 1, 0), Home: 0 };
    steps.End = places.length - 1;
    if (event.key in steps) {
      event.preventDefault();
      show(steps[event.key]);
    } else if (event.key === "Enter") {
      open();
    }
  });
  chart.addEventListener("pointermove", (event) => show(places.indexOf(event.target)));
  chart.addEventListener("click", open);
}
