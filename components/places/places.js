// Ports and the person's own points, with the times at which each lies in fog. A point shows what it is at the shown frame, here and
// on the map; picking one reads it out.

import { Asker } from "../shared/asking.js";
import { hear, tell } from "../shared/bus.js";
import { parsed, placed } from "../shared/coordinates.js";
import { followTheme, h } from "../shared/dom.js";
import { mounting } from "../shared/mount.js";

const POLL_MS = 2500;
const STATES = { fog: "fog or very low stratus", obscured: "obscured by higher cloud", clear: "clear of fog", nodata: "no data" };

const kind = (state) => ({ "no data": "nodata", no_data: "nodata", gap: "" })[state] ?? state;
const same = (one, other) => one.name === other.name && Math.abs(one.lon - other.lon) < 1e-4 && Math.abs(one.lat - other.lat) < 1e-4;

/** “in fog 03:30–05:00, since 21:00 UTC”. Where what came before or after is not known, it is at least so long. */
function spoken(spells, times) {
  const [first, last] = [times[0], times.at(-1)];
  const clock = (time) => (time.slice(0, 10) === first.slice(0, 10) ? time.slice(11, 16) : `${time.slice(5, 10)} ${time.slice(11, 16)}`);
  const part = ({ start, end, open_start: before, open_end: after, forecast }) => {
    const from = Date.parse(start) <= Date.parse(first);
    const on = Date.parse(end) >= Date.parse(last);
    const vague = (before && !from) || (after && !on) ? "at least " : "";
    const words = from && on ? "all the time" : from ? `until ${clock(end)}` : on ? `since ${clock(start)}` : start === end ? `at ${clock(start)}` : `${clock(start)}–${clock(end)}`;
    return vague + words + (forecast ? " (forecast)" : "");
  };
  const fog = spells.filter(({ state }) => state === "fog").map(part);
  if (fog.length) return `in fog ${fog.join(", ")}${fog.join() === "all the time" ? "" : " UTC"}`;
  return spells.some(({ state }) => state === "clear") ? "not in fog when it was seen" : "";
}

export default mounting(
  class Places {
    constructor(parent) {
      this.list = h("ul", { class: "ph-places" });
      this.note = h("p", { class: "ph-remark-line" });
      this.name = h("input", { class: "ph-field", type: "text", maxlength: 40, "aria-label": "Name of the point", placeholder: "My platform", autocomplete: "off" });
      this.spot = h("input", { class: "ph-field", type: "text", "aria-label": "Latitude and longitude of the point", placeholder: "22.41 S, 12.08 E", autocomplete: "off", spellcheck: "false" });
      this.flaw = h("p", { class: "ph-remark-line", role: "alert" });
      const form = h("form", { class: "ph-add" }, this.name, this.spot, h("button", { type: "submit", class: "ph-small" }, "Add"), this.flaw);
      form.addEventListener("submit", (event) => this.add(event));
      this.adding = h("details", { class: "ph-more" }, h("summary", {}, "Add a point of your own"), form);
      this.root = h("section", { class: "ph ph-places-panel", "aria-label": "Ports and points" }, this.list, this.note, this.adding);
      this.askers = [new Asker(), new Asker()];
      this.points = [];
      this.stop = [
        hear("frame", ({ index, released }) => released || this.mark(index)),
        hear("place", ({ over, lon, lat }) => over === this.data.over && lon !== null && (this.spot.value = placed({ lon, lat }, 3))),
      ];
      parent.append(this.root);
    }

    update({ data, setStateValue }) {
      const first = !this.data;
      this.data = data;
      this.state = setStateValue;
      if (first) this.index = data.index;
      followTheme(this.root);
      const print = JSON.stringify([data.url, data.body, data.own, data.stamps]);
      if (print !== this.print) {
        this.print = print;
        this.ask();
      }
    }

    /** Ports first, then the person's own. */
    async ask() {
      clearTimeout(this.again);
      const { url, own, body } = this.data;
      if (!this.points.length) this.note.textContent = "Looking at every time …";
      try {
        const answers = await Promise.all([this.askers[0].ask(url), own.length ? this.askers[1].ask(url, { ...body, points: own }) : { points: [] }]);
        if (answers.includes(null)) return;
        const [ports, mine] = answers.map(({ points }) => points);
        this.points = [...ports, ...mine.map((point) => ({ ...point, own: true }))];
        const pending = answers.reduce((sum, answer) => sum + (answer.pending ?? 0), 0);
        this.note.textContent = this.points.length ? "" : "No port is known in this sea region. Add a point of your own.";
        this.fill();
        if (pending) this.again = setTimeout(() => this.ask(), POLL_MS);
      } catch (error) {
        this.note.textContent = error.message;
      }
    }

    fill() {
      const item = (point, order) => {
        const button = h(
          "button",
          { type: "button", class: "ph-place", "data-order": order, title: `Read out ${point.name}: ${point.words}`, onclick: () => this.pick(point) },
          h("span", { class: "ph-place-words" }, h("strong", {}, point.name), h("span", {}, [spoken(point.spells, this.data.times) || point.words, point.why].filter(Boolean).join(" · "))),
          h("i", { class: "ph-bulb", role: "img" }),
        );
        const drop = point.own ? h("button", { type: "button", class: "ph-drop", "aria-label": `Delete ${point.name}`, title: `Delete ${point.name}`, onclick: () => this.say("dropped", point.name) }, "✕") : null;
        return h("li", {}, button, drop);
      };
      this.list.replaceChildren(...this.points.map(item));
      this.mark(this.index, true);
    }

    /** What a point is at a time, as far as its spells say. */
    stateAt(point, time) {
      const spell = point.spells.find(({ start, end }) => Date.parse(start) <= time && time <= Date.parse(end));
      return spell ? kind(spell.state) : "";
    }

    mark(index, fresh = false) {
      this.index = index;
      const time = this.data.times[index] ? Date.parse(this.data.times[index]) : NaN;
      const states = this.points.map((point) => (Number.isNaN(time) ? "" : this.stateAt(point, time)));
      if (!fresh && states.join() === this.states?.join()) return; // nothing to be drawn, most of the time while it plays
      this.states = states;
      states.forEach((state, order) => {
        const bulb = this.list.querySelector(`[data-order="${order}"] .ph-bulb`);
        bulb?.setAttribute("data-state", state);
        bulb?.setAttribute("aria-label", STATES[state] ?? "not known at this time");
      });
      tell("states", { over: this.data.over, states: Object.fromEntries(this.points.map(({ name }, order) => [name, states[order]])) });
    }

    pick({ lon, lat }) {
      tell("place", { over: this.data.over, lon, lat });
      tell("look", { over: this.data.over, lon, lat });
      this.say("picked", { lon, lat });
    }

    add(event) {
      event.preventDefault();
      const place = parsed(this.spot.value);
      const name = this.name.value.trim();
      this.flaw.textContent = "";
      if (!name) this.flaw.textContent = "Give the point a name.";
      else if (!place) this.flaw.textContent = "Type a latitude and a longitude, like 22.41 S, 12.08 E.";
      else if (this.points.some((point) => point.name === name || same(point, { name, ...place }))) this.flaw.textContent = `There is already a point called ${name}.`;
      else {
        this.say("added", { name, ...place });
        this.name.value = this.spot.value = "";
      }
    }

    /** To Python: a state with a revision, which no other event of the page can swallow. */
    say(kind, value) {
      this.revision = Math.max((this.revision ?? 0) + 1, Date.now());
      this.state("told", { revision: this.revision, kind, value });
    }

    leave() {
      this.stop.forEach((stop) => stop());
      clearTimeout(this.again);
      this.askers.forEach((asker) => asker.forget());
      this.root.remove();
    }
  },
);
