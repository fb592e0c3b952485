// A | B: what belongs to one side is cut at a line that the hand or the keys move. Python hears where it came to rest.

import { h } from "../shared/dom.js";

const REST_MS = 300;
const HOLD_MS = 3000; // as long as a run may take that still brings the place before
const KEYS = { ArrowLeft: -0.02, ArrowDown: -0.02, ArrowRight: 0.02, ArrowUp: 0.02, PageDown: -0.1, PageUp: 0.1, Home: -1, End: 1 };

const within = (share) => Math.min(Math.max(share, 0), 1);
const polygon = (left, top, right, bottom) => `polygon(${left}px ${top}px, ${right}px ${top}px, ${right}px ${bottom}px, ${left}px ${bottom}px)`;

export class Swipe {
  /**
   * @param {() => Iterable<[HTMLElement, string]>} panes the panes and the side of each, empty for both.
   * @param {(share: number) => void} said told where the line came to rest, 0 to 1 from the left.
   */
  constructor(map, root, panes, said) {
    this.map = map;
    this.panes = panes;
    this.said = said;
    this.at = 0.5;
    this.before = new Map();
    this.names = { left: h("span", { class: "ph-side ph-side-left" }), right: h("span", { class: "ph-side ph-side-right" }) };
    this.handle = h("div", { class: "ph-divider", role: "slider", tabindex: 0, "aria-label": "Divider between A and B", "aria-valuemin": 0, "aria-valuemax": 100, "aria-orientation": "horizontal" }, h("span", { class: "ph-grip", "aria-hidden": "true" }, "‹ ›"));
    this.element = h("div", { class: "ph-swipe", hidden: true }, this.names.left, this.names.right, this.handle);
    root.append(this.element);
    L.DomEvent.disableClickPropagation(this.handle);
    this.handle.addEventListener("pointerdown", (event) => this.grab(event));
    this.handle.addEventListener("pointermove", (event) => this.held && this.follow(event));
    for (const name of ["pointerup", "pointercancel"]) this.handle.addEventListener(name, () => this.release());
    this.handle.addEventListener("keydown", (event) => this.key(event));
    map.on("move zoom viewreset resize", () => this.cut());
  }

  /** What Python says: names of both sides and where the line stands; null takes it away. */
  reconcile(spec) {
    const fresh = !this.spec && spec;
    this.spec = spec;
    this.element.hidden = !spec;
    if (spec) {
      const old = performance.now() < (this.until ?? 0) && this.stale === spec.at;
      if (fresh || (spec.at !== this.told && !old)) this.at = spec.at;
      if (!old) this.told = spec.at;
      this.names.left.textContent = `A · ${spec.left}`;
      this.names.right.textContent = `B · ${spec.right}`;
    }
    this.cut();
  }

  cut() {
    const size = this.map.getSize();
    const start = this.map.containerPointToLayerPoint([0, 0]);
    const end = this.map.containerPointToLayerPoint(size);
    const line = start.x + size.x * this.at;
    for (const [pane, side] of this.panes()) {
      const wanted = this.spec && side ? (side === "left" ? polygon(start.x, start.y, line, end.y) : polygon(line, start.y, end.x, end.y)) : "";
      if (pane.style.clipPath !== wanted) pane.style.clipPath = wanted;
    }
    if (!this.spec) return;
    this.element.style.setProperty("--ph-at", `${100 * this.at}%`);
    const percent = Math.round(100 * this.at);
    this.handle.setAttribute("aria-valuenow", percent);
    this.handle.setAttribute("aria-valuetext", `A, ${this.spec.left}, on the left ${percent} percent; B, ${this.spec.right}, on the rest`);
  }

  move(share) {
    this.at = within(share);
    this.cut();
  }

  rest() {
    clearTimeout(this.resting);
    const at = Math.round(100 * this.at) / 100;
    if (at === this.told) return;
    this.stale = this.told;
    this.until = performance.now() + HOLD_MS;
    this.told = this.at = at;
    this.cut();
    this.said(at);
  }

  grab(event) {
    if (event.button !== 0) return;
    event.preventDefault();
    event.stopPropagation();
    this.held = true;
    this.handle.setPointerCapture(event.pointerId);
    this.handle.focus({ preventScroll: true });
  }

  follow(event) {
    event.stopPropagation();
    const box = this.map.getContainer().getBoundingClientRect();
    this.move((event.clientX - box.left) / box.width);
  }

  release() {
    if (!this.held) return;
    this.held = false;
    this.rest();
  }

  key(event) {
    const step = KEYS[event.key];
    if (step === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    event.stopPropagation();
    this.move(Math.round(100 * (this.at + step)) / 100);
    clearTimeout(this.resting);
    this.resting = setTimeout(() => this.rest(), REST_MS);
  }
}
