// What a place on the map is, and why: the answer of the detector with every test, asked of the server where the pointer is, or
// where the person has put it by a click or by coordinates.

import { Asker } from "../shared/asking.js";
import { hear, tell } from "../shared/bus.js";
import { inside, parsed, placed } from "../shared/coordinates.js";
import { followTheme, h } from "../shared/dom.js";
import { mounting } from "../shared/mount.js";

const HOVER_MS = 140; // a pointer that only passes asks nothing
const FRAME_MS = 220; // nor does a frame that is played over
const SLOW_MS = 400; // what takes longer says so
const THIN = "\u2009";
const VERDICTS = new Map([
  [true, ["✓", "speaks for fog", "for"]],
  [false, ["✕", "speaks against fog", "against"]],
  [null, ["–", "could not be tested", "none"]],
]);

const figure = (value, unit = "") => {
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  const text = value.toFixed(digits).replace("-", "−");
  return unit === "%" || unit === "K" || /^[a-z°µ]/i.test(unit) ? `${text}${unit === "°" ? "" : THIN}${unit}` : `${text} ${unit}`.trim();
};
const limit = ({ threshold, unit }) => (threshold === null || threshold === undefined ? "" : `; turns at ${figure(threshold, unit)}`);
const signed = (value, unit) => (value > 0 && unit === "K" && Math.abs(value) < 100 ? `+${figure(value, unit)}` : figure(value, unit));

export default mounting(
  class Readout {
    constructor(parent) {
      this.field = h("input", { class: "ph-field", type: "text", "aria-label": "Latitude and longitude to read out", placeholder: "22.41 S, 12.08 E", autocomplete: "off", spellcheck: "false" });
      this.form = h("form", { class: "ph-look" }, this.field, h("button", { type: "submit", class: "ph-small" }, "Read out"));
      this.free = h("button", { type: "button", class: "ph-link", hidden: true, title: "Follow the pointer again", onclick: () => this.pin(null) }, "let go");
      this.where = h("div", { class: "ph-where" });
      this.body = h("div", { class: "ph-answer" });
      this.root = h("section", { class: "ph ph-readout-panel", "aria-label": "Why here?" }, this.form, h("div", { class: "ph-where-line" }, this.where, this.free), this.body);
      this.asker = new Asker();
      this.pinned = null;
      this.form.addEventListener("submit", (event) => this.look(event));
      this.stop = [
        hear("place", (place) => place.over === this.data.over && this.pin(place.lon === null ? null : place, true)),
        hear("over", (place) => place.over === this.data.over && this.hover(place)),
        hear("frame", ({ index, playing, released }) => released || this.step(index, playing)),
      ];
      parent.append(this.root);
    }

    update({ data, setStateValue }) {
      const before = this.data;
      this.data = data;
      this.state = setStateValue;
      followTheme(this.root);
      if (!before) this.index = data.index;
      const told = JSON.stringify(data.at);
      if (told !== this.told) {
        this.told = told;
        if (!this.stands(data.at)) this.pin(data.at ? { lon: data.at[0], lat: data.at[1] } : null, true);
      }
      const print = JSON.stringify([data.url, data.query, data.stamps]);
      if (before && print !== this.print) this.ask();
      else if (!before && !this.pinned) this.empty();
      this.print = print;
    }

    /** Whether that place is pinned already; Python rounds what it was told. */
    stands(at) {
      if (!at || !this.pinned) return !at && !this.pinned;
      return Math.abs(at[0] - this.pinned.lon) < 1e-3 && Math.abs(at[1] - this.pinned.lat) < 1e-3;
    }

    // --- where -----------------------------------------------------------------------------------------------------

    look(event) {
      event.preventDefault();
      const place = parsed(this.field.value);
      if (!place) return this.refuse("Type a latitude and a longitude, like 22.41 S, 12.08 E.");
      if (!inside(this.data.bounds, place)) return this.refuse(`${placed(place)} lies outside this sea region.`);
      tell("place", { over: this.data.over, ...place });
      tell("look", { over: this.data.over, ...place });
      this.say("place", place);
    }

    refuse(words, ends = true) {
      if (ends) this.asker.forget();
      this.record = null;
      this.root.removeAttribute("data-old");
      this.body.replaceChildren(h("p", { class: "ph-remark-line", role: ends ? "alert" : null }, words));
    }

    /** Stay at a place, or follow the pointer again. */
    pin(place, known = false) {
      this.pinned = place ? { lon: place.lon, lat: place.lat } : null;
      this.free.hidden = !this.pinned;
      this.body.setAttribute("aria-live", this.pinned ? "polite" : "off");
      if (!known) {
        tell("place", { over: this.data.over, lon: null, lat: null });
        this.say("freed", true);
      }
      if (this.pinned) this.ask();
      else this.empty();
    }

    hover({ lon, lat }) {
      clearTimeout(this.soon);
      if (this.pinned) return;
      this.pointer = lon === null ? null : { lon, lat };
      if (!this.pointer) return;
      this.soon = setTimeout(() => this.ask(), HOVER_MS);
    }

    step(index, playing) {
      this.index = index;
      clearTimeout(this.later);
      if (this.record) this.root.dataset.old = "";
      if (!playing) this.later = setTimeout(() => this.ask(), FRAME_MS);
    }

    // --- what ------------------------------------------------------------------------------------------------------

    async ask() {
      const place = this.pinned ?? this.pointer;
      const stamp = this.data.stamps[this.index];
      if (!place || !inside(this.data.bounds, place)) return this.pinned ? this.refuse("This place lies outside the sea region.") : undefined;
      this.where.textContent = placed(place);
      if (!stamp) return this.refuse("There is no picture at this time: nothing can be said.");
      const query = new URLSearchParams({ lon: place.lon.toFixed(5), lat: place.lat.toFixed(5), time: stamp, ...this.data.query });
      try {
        clearTimeout(this.slow);
        this.slow = setTimeout(() => this.record || this.refuse("It is being worked out …", false), SLOW_MS);
        const record = await this.asker.ask(`${this.data.url}?${query}`);
        if (!record) return undefined;
        clearTimeout(this.slow);
        return this.show(record);
      } catch (error) {
        clearTimeout(this.slow);
        return this.refuse(error.message);
      }
    }

    empty() {
      this.record = null;
      this.where.textContent = "";
      this.body.replaceChildren(h("p", { class: "ph-remark-line" }, "Point at the sea, click to stay there, or type coordinates."));
    }

    show(record) {
      this.record = record;
      this.root.removeAttribute("data-old");
      this.where.textContent = placed(record);
      this.where.title = placed(record, 4);
      const sure = record.probability === null ? "" : `probability ${record.probability.toFixed(2)}`;
      const label = this.data.labels[this.index] ?? "";
      const open = (part) => Boolean(this.body.querySelector(`details[data-part="${part}"]`)?.open);
      const more = [this.tests(record), this.facts(record), this.exact(record, open("exact")), this.values(record, open("values")), this.notes(record)];
      this.body.replaceChildren(
        h("div", { class: "ph-state", "data-state": record.state }, h("i", { "aria-hidden": "true" }), h("strong", {}, record.words), h("span", {}, sure)),
        h("div", { class: "ph-when" }, [label, record.forecast ? "forecast" : "", record.synthetic ? "SYNTHETIC" : ""].filter(Boolean).join(" · ")),
        ...more.filter(Boolean),
      );
    }

    /** One line a check: what it says here, the value that says most, and which way all of it speaks. */
    tests({ findings }) {
      const made = (findings ?? []).filter(({ passed }) => passed !== null && passed !== undefined);
      if (!made.length) return null;
      const checks = new Map();
      for (const finding of made) checks.set(finding.check, [...(checks.get(finding.check) ?? []), finding]);
      const row = (group) => {
        const screen = group.find(({ weight, passed }) => weight === null && !passed); // a screen that was failed decides alone
        const sum = group.reduce((total, { weight }) => total + (weight ?? 0), 0);
        const passed = screen ? false : group.every(({ weight }) => weight === null) ? group[0].passed : sum > 0;
        const chief = screen ?? group.find((finding) => finding.passed === passed) ?? group[0];
        const [sign, meaning, kind] = VERDICTS.get(passed);
        return h(
          "tr",
          { title: `${chief.quantity}${limit(chief)}` },
          h("th", { scope: "row" }, chief.words),
          h("td", {}, chief.value === null ? "" : signed(chief.value, chief.unit)),
          h("td", { class: `ph-verdict ph-verdict-${kind}` }, h("span", { role: "img", "aria-label": meaning }, sign)),
        );
      };
      return h("table", { class: "ph-tests", "aria-label": "Tests that were made here" }, h("tbody", {}, ...[...checks.values()].map(row)));
    }

    /** Every quantity with its turning point, for whoever wants to know exactly. */
    exact({ findings }, open) {
      if (!findings?.length) return null;
      const row = (finding) => {
        const [sign, meaning, kind] = VERDICTS.get(finding.passed ?? null);
        const mark = h("td", { class: `ph-verdict ph-verdict-${kind}` }, h("span", { role: "img", "aria-label": meaning }, sign));
        return h("tr", {}, h("th", { scope: "row" }, finding.quantity, h("small", {}, limit(finding).slice(2))), h("td", {}, finding.value === null ? "–" : signed(finding.value, finding.unit)), mark);
      };
      return h("details", { class: "ph-more", "data-part": "exact", open }, h("summary", {}, "Every test in full"), h("table", { class: "ph-tests ph-exact", "aria-label": "Every test" }, h("tbody", {}, ...findings.map(row))));
    }

    facts({ solar_zenith: sun, view_zenith: view, light, validity }) {
      const rows = [
        ["sun from the zenith", sun === null ? "not known" : `${sun.toFixed(0)}°${light && light !== "unknown" ? `, ${light}` : ""}`],
        ["view from the zenith", view === null || view === undefined ? "not known" : `${view.toFixed(0)}°`],
        ["light", validity?.join(", ") || "–"],
      ];
      return h("table", { class: "ph-tests ph-facts", "aria-label": "Light and validity" }, h("tbody", {}, ...rows.map(([name, value]) => h("tr", {}, h("th", { scope: "row" }, name), h("td", {}, value)))));
    }

    values({ values }, open) {
      if (!values?.length) return null;
      const row = ({ name, words, value, unit }) => h("tr", { title: words }, h("th", { scope: "row" }, name), h("td", {}, value === null ? "missing" : figure(value, unit)));
      return h("details", { class: "ph-more", "data-part": "values", open }, h("summary", {}, "Everything that was measured here"), h("table", { class: "ph-tests", "aria-label": "Values" }, h("tbody", {}, ...values.map(row))));
    }

    notes({ notes, method }) {
      const lines = [...(notes ?? []), method ? `Method: ${this.data.methods[method] ?? method}.` : ""].filter(Boolean);
      return lines.length ? h("div", { class: "ph-notes" }, ...lines.map((line) => h("p", {}, line))) : null;
    }

    /** To Python: a state with a revision, which no other event of the page can swallow. */
    say(kind, value) {
      this.revision = Math.max((this.revision ?? 0) + 1, Date.now());
      this.state("told", { revision: this.revision, kind, value });
    }

    leave() {
      this.stop.forEach((stop) => stop());
      clearTimeout(this.soon);
      clearTimeout(this.later);
      this.asker.forget();
      this.root.remove();
    }
  },
);
