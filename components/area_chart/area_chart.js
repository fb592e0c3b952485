// Fog area over time: drawn from one reply of the server, with the frame that is shown; a click goes there. The same figures stand
// in a table beneath.

import { Asker } from "../shared/asking.js";
import { hear, tell } from "../shared/bus.js";
import { followTheme, h } from "../shared/dom.js";
import { mounting } from "../shared/mount.js";

const NS = "http://www.w3.org/2000/svg";
const HEIGHT = 116; // of the curve, pixels
const BAND = 14; // of the strip that shows how much is obscured
const POLL_MS = 1500; // while masks are being worked out
const THIN = "\u2009";

const km2 = (value) => `${Math.round(value).toLocaleString("en-US")}${THIN}km²`;
const percent = (share) => `${(100 * share).toFixed(share < 0.1 ? 1 : 0)}${THIN}%`;

function s(tag, attributes = {}, ...children) {
  const element = document.createElementNS(NS, tag);
  for (const [name, value] of Object.entries(attributes)) if (value !== null && value !== undefined) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/** A round figure just above. */
function above(value) {
  const power = 10 ** Math.floor(Math.log10(Math.max(value, 1)));
  return [1, 2, 2.5, 5, 10].map((step) => step * power).find((step) => step >= value) ?? 10 * power;
}

export default mounting(
  class AreaChart {
    constructor(parent) {
      this.head = h("output", { class: "ph-chart-head" });
      this.picture = h("div", { class: "ph-chart" });
      this.note = h("p", { class: "ph-remark-line" });
      this.rows = h("tbody", {});
      const heads = ["Time, UTC", "Fog, km²", "Obscured"].map((word) => h("th", { scope: "col" }, word));
      this.table = h("details", { class: "ph-more" }, h("summary", {}, "The figures as a table"), h("div", { class: "ph-table-box", tabindex: 0, role: "region", "aria-label": "Fog area of each time" }, h("table", { class: "ph-tests ph-series" }, h("thead", {}, h("tr", {}, ...heads)), this.rows)));
      this.root = h("section", { class: "ph ph-area", "aria-label": "Fog area over time" }, this.head, this.picture, this.note, this.table);
      this.asker = new Asker();
      this.stop = [hear("frame", ({ index, playing, released }) => released || this.mark(index, playing))];
      this.resized = new ResizeObserver(() => this.width !== this.picture.clientWidth && this.draw());
      this.resized.observe(this.picture);
      parent.append(this.root);
    }

    update({ data }) {
      const first = !this.data;
      this.data = data;
      if (first) this.index = data.index;
      const theme = followTheme(this.root);
      const print = JSON.stringify([data.url, data.body, data.stamps]);
      if (print !== this.print) {
        this.print = print;
        this.ask();
      } else if (theme !== this.theme) this.draw();
      this.theme = theme;
    }

    async ask() {
      clearTimeout(this.again);
      if (!this.record) this.note.textContent = "The masks are being worked out.";
      try {
        const record = await this.asker.ask(this.data.url, this.data.body);
        if (!record) return;
        this.record = record;
        const places = new Map(this.data.stamps.map((stamp, index) => [stamp, index]));
        this.frames = record.frames.map((frame) => ({ ...frame, place: places.get(frame.stamp) ?? -1 })).filter(({ place }) => place >= 0);
        this.draw();
        this.tabulate();
        this.note.textContent = record.pending ? `${record.pending.toLocaleString("en-US")} of ${this.frames.length} frames are still being worked out.` : this.summary();
        if (record.pending) this.again = setTimeout(() => this.ask(), POLL_MS);
      } catch (error) {
        this.note.textContent = error.message;
      }
    }

    summary() {
      const known = this.frames.filter(({ fog_km2: area }) => area !== null);
      if (!known.length) return "Nothing could be judged.";
      const most = known.reduce((best, frame) => (frame.fog_km2 > best.fog_km2 ? frame : best));
      if (!most.fog_km2) return "No fog or very low stratus was found at any time.";
      return `At most ${km2(most.fog_km2)}, ${percent(most.fog_share)} of the sea that was judged, at ${this.clock(most)}.`;
    }

    clock({ place }) {
      return (this.data.labels[place] ?? "").slice(11);
    }

    // --- the picture -----------------------------------------------------------------------------------------------

    draw() {
      const width = this.picture.clientWidth;
      if (!this.record || width < 40) return;
      this.width = width;
      const count = this.data.stamps.length;
      const values = this.frames.map(({ fog_km2: area }) => area ?? 0);
      const top = above(Math.max(...values, 1));
      const x = (place) => 4 + ((width - 8) * (place + 0.5)) / count;
      const y = (value) => 6 + (HEIGHT - 12) * (1 - value / top);
      const step = (width - 8) / count;
      this.x = x;
      this.y = y;
      const hatch = s("pattern", { id: "ph-hatch", width: 4, height: 4, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" }, s("rect", { width: 1.6, height: 4, class: "ph-hatch-line" }));
      const parts = [s("defs", {}, hatch)];
      for (const { light, start, end } of this.nights()) parts.push(s("rect", { class: `ph-dusk ph-dusk-${light}`, x: 4 + step * start, y: 0, width: step * (end - start), height: HEIGHT }));
      for (const frame of this.frames) {
        const left = x(frame.place) - step / 2;
        if (frame.gap) parts.push(s("rect", { class: "ph-hole", x: left + 1, y: 1, width: Math.max(step - 2, 1), height: HEIGHT - 2 }));
        const share = frame.obscured_share ?? 0;
        if (share > 0) parts.push(s("rect", { class: "ph-obscured", x: left, y: HEIGHT + 4 + BAND * (1 - share), width: step + 0.5, height: BAND * share, fill: "url(#ph-hatch)" }));
      }
      parts.push(s("line", { class: "ph-ground", x1: 4, x2: width - 4, y1: y(0), y2: y(0) }), s("line", { class: "ph-ground", x1: 4, x2: width - 4, y1: HEIGHT + 4 + BAND, y2: HEIGHT + 4 + BAND }));
      for (const run of this.runs()) parts.push(...this.curve(run));
      this.cursor = s("g", { class: "ph-cursor" }, s("line", { y1: 0, y2: HEIGHT + 4 + BAND }), s("circle", { r: 4 }));
      const scale = s("text", { class: "ph-scale", x: 6, y: 12 }, document.createTextNode(km2(top)));
      const tall = HEIGHT + BAND + 6;
      const svg = s("svg", { viewBox: `0 0 ${width} ${tall}`, width, height: tall, role: "img", "aria-label": `Fog area over time. ${this.record.pending ? "" : this.summary()}` }, ...parts, scale, this.cursor);
      svg.addEventListener("click", (event) => this.click(event));
      svg.addEventListener("pointermove", (event) => this.tellOf(this.under(event)));
      svg.addEventListener("pointerleave", () => this.tellOf(this.index));
      const ends = h("div", { class: "ph-ends", "aria-hidden": "true" }, h("span", {}, (this.data.labels[0] ?? "").slice(11, 16)), h("span", {}, "hatched: share obscured"), h("span", {}, (this.data.labels.at(-1) ?? "").slice(11, 16)));
      this.picture.replaceChildren(svg, ends);
      this.mark(this.index);
    }

    /** Runs of night and twilight, as places on the axis. */
    nights() {
      const runs = [];
      this.data.lights.forEach((light, place) => {
        if (runs.at(-1)?.light === light) runs.at(-1).end = place + 1;
        else runs.push({ light, start: place, end: place + 1 });
      });
      return runs.filter(({ light }) => light === "night" || light === "twilight");
    }

    /** Runs of known figures; a forecast is a run of its own that begins where the last observed one ends. */
    runs() {
      const runs = [];
      let last = null;
      for (const frame of this.frames) {
        if (frame.fog_km2 === null) {
          last = null;
          continue;
        }
        if (last && last.forecast === frame.forecast && frame.place === last.place + 1) runs.at(-1).push(frame);
        else runs.push(last && frame.forecast && !last.forecast ? [last, frame] : [frame]);
        last = frame;
      }
      return runs;
    }

    curve(run) {
      const ahead = run.at(-1).forecast;
      const points = run.map(({ place, fog_km2: area }) => `${this.x(place).toFixed(1)},${this.y(area).toFixed(1)}`);
      const ground = this.y(0).toFixed(1);
      const fill = s("polygon", { class: ahead ? "ph-under ph-ahead" : "ph-under", points: [`${this.x(run[0].place)},${ground}`, ...points, `${this.x(run.at(-1).place)},${ground}`].join(" ") });
      const line = run.length > 1 ? s("polyline", { class: ahead ? "ph-line ph-ahead" : "ph-line", points: points.join(" ") }) : s("circle", { class: "ph-dot-only", cx: this.x(run[0].place), cy: this.y(run[0].fog_km2), r: 2 });
      return [fill, line];
    }

    /** Show which frame is shown; while it plays only the line moves, the words follow when it rests. */
    mark(index, playing = false) {
      this.index = index;
      const frame = this.frames?.find(({ place }) => place === index);
      if (this.cursor) {
        this.cursor.setAttribute("transform", `translate(${this.x(index).toFixed(1)} 0)`);
        this.cursor.lastChild.setAttribute("cy", frame?.fog_km2 === null || !frame ? -20 : this.y(frame.fog_km2));
      }
      if (playing) return;
      this.tellOf(index);
      this.row?.removeAttribute("aria-current");
      this.row = this.rows.querySelector(`[data-place="${index}"]`);
      this.row?.setAttribute("aria-current", "true");
    }

    tellOf(index) {
      const frame = this.frames?.find(({ place }) => place === index);
      if (!frame) return;
      const words = frame.gap ? "no picture" : frame.fog_km2 === null ? "not worked out yet" : `${km2(frame.fog_km2)} · obscured ${percent(frame.obscured_share ?? 0)}`;
      this.head.textContent = `${this.clock(frame).slice(0, 5)} · ${frame.forecast ? "forecast " : ""}${words}`;
    }

    under(event) {
      const box = this.picture.getBoundingClientRect();
      const place = Math.floor(((event.clientX - box.left - 4) / (this.width - 8)) * this.data.stamps.length);
      return Math.min(Math.max(place, 0), this.data.stamps.length - 1);
    }

    click(event) {
      tell("goto", { index: this.under(event) });
    }

    // --- the table -------------------------------------------------------------------------------------------------

    tabulate() {
      const line = (frame) => {
        const button = h("button", { type: "button", class: "ph-link", onclick: () => tell("goto", { index: frame.place }) }, this.data.labels[frame.place].replace(" UTC", ""));
        const area = frame.gap ? "no picture" : frame.fog_km2 === null ? "…" : Math.round(frame.fog_km2).toLocaleString("en-US");
        const obscured = frame.obscured_share === null || frame.obscured_share === undefined ? "" : percent(frame.obscured_share);
        return h("tr", { "data-place": frame.place }, h("th", { scope: "row" }, button, frame.forecast ? " forecast" : ""), h("td", {}, area), h("td", {}, obscured));
      };
      this.rows.replaceChildren(...this.frames.map(line));
      this.mark(this.index);
    }

    leave() {
      this.stop.forEach((stop) => stop());
      this.resized.disconnect();
      clearTimeout(this.again);
      this.asker.forget();
      this.root.remove();
    }
  },
);
