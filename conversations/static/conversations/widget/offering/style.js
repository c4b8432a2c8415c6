// @ts-check
/** How what a message offers looks. */
export const STYLE = `
.body:has(.cards, .slots, .form) { flex: 1; max-width: calc(100% - 36px); }
.offer { width: 100%; display: flex; flex-direction: column; gap: 8px; margin-block-start: 6px; }
.choices { display: flex; flex-wrap: wrap; gap: 8px; }
.choices.rows { flex-direction: column; }
.choice { display: inline-flex; align-items: center; gap: 8px; max-width: 100%; min-height: 44px; padding: 8px 14px; border-radius: 22px; box-shadow: inset 0 0 0 1.5px var(--baton-link); color: var(--baton-link); font-weight: 550; font-size: 14px; text-align: start; text-decoration: none; overflow-wrap: anywhere; transition: background .12s; }
.choice:hover:enabled, a.choice:hover { background: var(--baton-raised); }
a.choice { text-decoration: underline; text-underline-offset: 2px; }
a.choice .icon { width: 18px; height: 18px; }
.choice:disabled { opacity: 1; color: var(--baton-quiet); box-shadow: inset 0 0 0 1px var(--baton-line); }
.choice[aria-pressed] { color: var(--baton-on); background: var(--baton-fill); box-shadow: none; }
.choice[aria-pressed]::before { content: "✓" / ""; font-weight: 700; }
.rows .choice { border-radius: 12px; }
.choice img { width: 44px; height: 44px; object-fit: cover; border-radius: 8px; flex: none; }
.more { display: block; font-weight: 400; font-size: 13px; color: var(--baton-quiet); }
[aria-pressed] .more { color: inherit; }
.carousel { position: relative; }
.cards { list-style: none; margin: 0; padding: 2px; display: flex; gap: 10px; overflow-x: auto; scroll-snap-type: x mandatory; overscroll-behavior-x: contain; scrollbar-width: none; border-radius: 14px; }
.card { flex: 0 0 min(230px, 100%); scroll-snap-align: start; display: flex; flex-direction: column; gap: 6px; padding: 12px; border-radius: 14px; background: var(--baton-raised); overflow: hidden; overflow-wrap: anywhere; }
.card > img { width: calc(100% + 24px); margin: -12px -12px 4px; aspect-ratio: 16 / 9; object-fit: cover; }
.card strong { font-size: 15px; }
.card .text { font-size: 14px; }
.card .choices { flex-direction: column; margin-block-start: auto; padding-block-start: 4px; }
.card .choice { justify-content: center; background: var(--baton-surface); }
.card .choice[aria-pressed] { background: var(--baton-fill); }
.arrows { display: flex; justify-content: flex-end; gap: 4px; }
.arrow { width: 44px; height: 44px; display: grid; place-items: center; border-radius: 50%; color: var(--baton-link); }
.arrow:hover:not([aria-disabled=true]) { background: var(--baton-raised); }
.arrow[aria-disabled=true] { color: var(--baton-quiet); opacity: .5; cursor: default; }
.arrow.before .icon { transform: rotate(90deg); }
.arrow.after .icon { transform: rotate(-90deg); }
[dir=rtl] .arrow.before .icon { transform: rotate(-90deg); }
[dir=rtl] .arrow.after .icon { transform: rotate(90deg); }
.day summary { min-height: 44px; display: flex; align-items: center; gap: 6px; font-weight: 600; font-size: 14px; cursor: pointer; }
.day summary::before { content: "▸" / ""; color: var(--baton-quiet); }
[dir=rtl] .day summary::before { content: "◂" / ""; }
.day[open] summary::before { content: "▾" / ""; }
.place { font-size: 14px; white-space: pre-wrap; }
.zone, .unknown, .form-state { margin: 4px 0 0; font-size: 13px; color: var(--baton-quiet); }
.form { padding: 12px; border-radius: 14px; background: var(--baton-raised); }
.form strong { display: block; margin-block-end: 8px; font-size: 15px; }
fieldset { border: 0; margin: 0; padding: 0; min-width: 0; display: grid; gap: 10px; justify-items: start; }
.field { width: 100%; display: grid; gap: 4px; }
.field label { font-size: 14px; font-weight: 550; }
.field :is(input, select) { width: 100%; min-height: 44px; padding: 8px 10px; border-radius: 8px; border: 1px solid var(--baton-quiet); background: var(--baton-surface); font-size: 16px; }
.field [aria-invalid=true] { border-color: var(--baton-error); }
.needed { color: var(--baton-error); }
.field .refusal:not(:empty) { padding: 0; }
.submit { background: var(--baton-fill); color: var(--baton-on); box-shadow: none; }
.submit:hover:enabled { background: var(--baton-fill); text-decoration: underline; }
@media (forced-colors: active) {
  .card, .form, a.choice, button.choice { border: 1px solid; }
  .choice[aria-pressed] { border-width: 3px; forced-color-adjust: none; border-color: Highlight; background: Highlight; color: HighlightText; }
  .field [aria-invalid=true] { border-width: 3px; }
}
`;
