// @ts-check
/** @import {Slot, Words} from "../types" */
/** @import {MakeButton} from "./choices.js" */
/** Draw times to take, day by day, in the end user's own zone, which is named. */
import { h } from "../shared.js";

const ALL_OPEN_UP_TO = 12;

/**
 * @param {Slot[]} slots @param {string} place @param {Words} words @param {MakeButton} button
 * @returns {HTMLElement[]}
 */
export function slotDays(slots, place, words, button) {
  if (!slots.length) return [];
  const days = grouped(slots, words.locale);
  const areAllOpen = slots.length <= ALL_OPEN_UP_TO;
  const drawn = [...days].map(([day, times], index) =>
    h("details", { class: "day", open: areAllOpen || index === 0 },
      h("summary", {}, day),
      h("div", { class: "choices", role: "group", "aria-label": day },
        ...times.map((slot) => slotButton(slot, day, words.locale, button)))));
  const where = place ? [h("div", { class: "place", dir: "auto" }, place)] : [];
  const zone = h("div", { class: "zone" }, words.say("zone", { zone: zoneName(slots[0], words.locale) }));
  return [h("div", { class: "slots", "data-testid": "slots" }, ...where, ...drawn, zone)];
}

/** @param {Slot[]} slots @param {string} locale @returns {Map<string, Slot[]>} */
function grouped(slots, locale) {
  const format = new Intl.DateTimeFormat(locale, { weekday: "long", day: "numeric", month: "long" });
  const ordered = [...slots].sort((one, other) => Date.parse(one.starts_at) - Date.parse(other.starts_at));
  /** @type {Map<string, Slot[]>} */
  const days = new Map();
  for (const slot of ordered) {
    const day = format.format(new Date(slot.starts_at));
    days.set(day, [...(days.get(day) ?? []), slot]);
  }
  return days;
}

/** @param {Slot} slot @param {string} day @param {string} locale @param {MakeButton} button */
function slotButton(slot, day, locale, button) {
  const format = new Intl.DateTimeFormat(locale, { hour: "numeric", minute: "2-digit" });
  const start = new Date(slot.starts_at);
  const end = new Date(start.getTime() + 1000 * (slot.duration_seconds ?? 0));
  const time = slot.duration_seconds ? format.formatRange(start, end) : format.format(start);
  const named = h("time", { class: "label", datetime: start.toISOString() }, time);
  return button(slot.payload, slot.label || `${day}, ${format.format(start)}`, named);
}

/** The zone as it is called at that time of the year. @param {Slot} slot @param {string} locale */
function zoneName(slot, locale) {
  const format = new Intl.DateTimeFormat(locale, { timeZoneName: "long" });
  const part = format.formatToParts(new Date(slot.starts_at)).find(({ type }) => type === "timeZoneName");
  return part?.value ?? format.resolvedOptions().timeZone;
}
