// Keeps what can be done to a handoff in step with what its page shows of it.

/** Lets acts name the state that is shown now; who is being asked keeps what they have seen. */
export function actsFollow(place, part) {
  const acts = place.querySelector(".acts");
  if (!acts || acts.querySelector("dialog[open]")) return;
  if (part.dataset.open === "false") return acts.remove();
  for (const field of acts.querySelectorAll("[name=handoff]")) field.value = part.dataset.handoff;
}
