// Named points: ports, a person's own places, the place that is asked about. No tab stops: the keyboard's way to them are lists.

import { hear } from "../shared/bus.js";
import { h } from "../shared/dom.js";

export class Marks {
  constructor(map, key) {
    const pane = map.createPane("ph-marks");
    pane.style.zIndex = 410; // over the hits, under the regions' outlines
    this.map = map;
    this.markers = new Map(); // id → marker
    this.states = {};
    this.stop = [
      hear("states", (detail) => detail.over === key && this.colour(detail.states)),
      hear("place", (detail) => detail.over === key && this.put({ id: "picked", kind: "picked", label: "", ...detail })),
    ];
  }

  reconcile(marks) {
    const print = JSON.stringify(marks);
    if (print === this.print) return; // a place that was just picked here is not moved back by an older run
    this.print = print;
    const wanted = new Set(marks.map(({ id }) => id));
    for (const id of [...this.markers.keys()]) if (!wanted.has(id)) this.drop(id);
    marks.forEach((mark) => this.put(mark));
  }

  put({ id, lon, lat, label, kind }) {
    this.drop(id);
    if (!Number.isFinite(lon) || !Number.isFinite(lat)) return;
    const face = h("div", { class: `ph-mark ph-mark-${kind}`, "data-state": this.states[id] }, h("i", {}), label ? h("span", {}, label) : null);
    const icon = L.divIcon({ className: "ph-mark-anchor", html: face, iconSize: [0, 0] });
    const turn = 360 * Math.round((this.map.getCenter().lng - lon) / 360); // on the copy of the world that is looked at
    this.markers.set(id, L.marker([lat, lon + turn], { icon, pane: "ph-marks", interactive: false, keyboard: false, pmIgnore: true }).addTo(this.map));
  }

  /** What each point is at the shown time. */
  colour(states) {
    this.states = states ?? {};
    for (const [id, marker] of this.markers) marker.getElement()?.firstElementChild?.setAttribute("data-state", this.states[id] ?? "");
  }

  drop(id) {
    this.markers.get(id)?.remove();
    this.markers.delete(id);
  }

  remove() {
    this.stop.forEach((stop) => stop());
  }
}
