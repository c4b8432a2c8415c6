"use strict";
/** A phone: what stands on it, and what its owner writes. */
const $ = (id) => document.getElementById(id);
const POLL_MS = 700;
let shown = "";

const asked = new URLSearchParams(location.search);
if (asked.get("phone")) $("phone").value = asked.get("phone");

async function call(path, options) {
  const answer = await fetch(path, options);
  const body = await answer.json();
  if (!answer.ok) throw new Error(body.message);
  return body;
}

function tell(problem) {
  $("problem").hidden = !problem;
  $("problem").textContent = problem;
}

function drawn(one) {
  const row = document.createElement("li");
  const isMine = one.from === "phone";
  row.className = isMine ? "mine" : "";
  for (const url of isMine ? [] : one.media) {
    const picture = document.createElement("img");
    picture.src = url;
    picture.alt = "Picture";
    row.append(picture);
  }
  if (one.text) {
    const text = document.createElement("p");
    text.textContent = one.text;
    row.append(text);
  }
  const about = document.createElement("small");
  const parts = one.segments > 1 ? `, ${one.segments} segments` : "";
  const at = new Date(one.at * 1000).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
  about.textContent = `${at}, ${one.status}${parts}`;
  row.append(about);
  return row;
}

async function look() {
  try {
    const { messages } = await call(`phones/${encodeURIComponent($("phone").value)}`);
    const news = JSON.stringify(messages);
    if (news !== shown) {
      shown = news;
      $("texts").replaceChildren(...messages.map(drawn));
      $("texts").hidden = !messages.length;
      $("empty").hidden = messages.length > 0;
      $("texts").scrollTop = $("texts").scrollHeight;
    }
    tell("");
  } catch (error) {
    tell(`The simulator does not answer: ${error.message}`);
  }
}

async function send(event) {
  event.preventDefault();
  const text = $("text").value.trim();
  if (!text) return;
  const body = JSON.stringify({ text, to: $("to").value });
  const headers = { "Content-Type": "application/json" };
  try {
    await call(`phones/${encodeURIComponent($("phone").value)}/send`, { method: "POST", headers, body });
    $("text").value = "";
    count();
    await look();
  } catch (error) {
    tell(error.message);
  }
}

function count() {
  const { length } = $("text").value;
  $("count").textContent = `${length} character${length === 1 ? "" : "s"}`;
}

async function begin() {
  const { numbers } = await call("phones");
  for (const number of numbers) $("to").append(new Option(number, number));
  if (asked.get("to")) $("to").value = asked.get("to");
  await look();
  setInterval(look, POLL_MS);
}

$("send").addEventListener("submit", send);
$("text").addEventListener("input", count);
$("text").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey) send(event);
});
begin().catch((error) => tell(error.message));
