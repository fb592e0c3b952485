// The time strip. Playing, stepping and dragging happen here and on the map, by an event on the window; Python is told only where
// it came to rest.

import { hear, tell } from "../shared/bus.js";
import { followTheme, h, icon, useStyle } from "../shared/dom.js";

const RATES = [2, 4, 8, 12, 24, 30, 60]; // frames a second
const REST_MS = 300; // after the last key this long, the strip is at rest
const NARROW_PX = 640;
const INSET_PX = 14;
const DOTS_INSET_PX = 20; // as in the style sheet
const PLAY = "M6 4l10 6-10 6z";
const PAUSE = "M6 4h3v12H6zM11.5 4h3v12h-3z";
const LOOP = "M4 9.5V8a3 3 0 0 1 3-3h8l-2.5-2.5M16 10.5V12a3 3 0 0 1-3 3H5l2.5 2.5";
const SHELF = "pharos:player"; // how fast, and whether round and round: the person's way, kept for the tab
const SLOW_MS = 250; // a frame that takes longer to come is told as loading

function habits() {
  try {
    return JSON.parse(sessionStorage.getItem(SHELF)) ?? {};
  } catch {
    return {}; // storage forbidden, or not ours
  }
}

const strips = new Map(); // key → Strip

export default async function render(component) {
  const { data, parentElement } = component;
  await Promise.all([useStyle(data.shared), useStyle(data.style)]);
  if (!strips.has(data.key)) strips.set(data.key, new Strip(data.key));
  const strip = strips.get(data.key);
  strip.attach(parentElement);
  strip.update(component);
  return () => strip.detach(parentElement);
}

class Strip {
  constructor(key) {
    this.key = key;
    this.index = 0;
    this.revision = 0;
    const { rate, loop } = habits();
    this.rate = RATES.includes(rate) ? rate : 12;
    this.loop = loop !== false;
    this.play = h("button", { type: "button", class: "ph-play", "aria-pressed": "false", onclick: () => this.toggle() });
    this.label = h("strong", { class: "ph-now" });
    this.note = h("span", { class: "ph-note" });
    this.rates = h("select", { class: "ph-rate", "aria-label": "Speed", onchange: () => this.habit({ rate: Number(this.rates.value) }) }, ...RATES.map((rate) => h("option", { value: rate, selected: rate === this.rate }, `${rate} fps`)));
    this.round = h("button", { type: "button", class: "ph-loop", "aria-label": "Repeat", title: "Repeat from the first frame", onclick: () => this.habit({ loop: !this.loop }) }, icon(LOOP));
    this.help = h("span", { class: "ph-help", "aria-hidden": "true" });
    this.marks = h("div", { class: "ph-marks" });
    this.slider = h("div", { class: "ph-slider", role: "slider", tabindex: 0, "aria-label": "Time", "aria-valuemin": 0 }, this.marks);
    this.axis = h("div", { class: "ph-axis", "aria-hidden": "true" });
    const head = h("div", { class: "ph-strip-head" }, this.play, this.label, this.note, h("span", { class: "ph-space" }), this.round, this.rates, this.help);
    this.root = h("section", { class: "ph ph-timeline", "aria-label": "Time" }, head, this.slider, this.axis);
    this.slider.addEventListener("pointerdown", (event) => this.grab(event));
    this.slider.addEventListener("pointermove", (event) => this.held && this.go(this.under(event)));
    for (const name of ["pointerup", "pointercancel"]) this.slider.addEventListener(name, () => this.release());
    this.keys = (event) => this.key_(event);
    this.resized = new ResizeObserver(() => this.settle());
  }

  // --- in and out of the page --------------------------------------------------------------------------------------

  attach(parent) {
    if (this.root.parentElement === parent) return;
    parent.append(this.root);
    this.resized.observe(parent);
    document.addEventListener("keydown", this.keys, true);
    this.resize ??= () => this.settle();
    window.addEventListener("resize", this.resize);
    const stops = [
      hear("sized", ({ key }) => key === this.data?.over && this.settle()),
      hear("goto", ({ index }) => this.jump(index)),
      hear("loaded", (news) => this.loaded(news)),
    ];
    this.unhear = () => stops.forEach((stop) => stop());
  }

  detach(parent) {
    if (parent.isConnected || this.root.parentElement !== parent) return;
    this.pause();
    clearTimeout(this.resting);
    this.resized.disconnect();
    document.removeEventListener("keydown", this.keys, true);
    window.removeEventListener("resize", this.resize);
    this.unhear();
    this.root.remove();
    strips.delete(this.key);
    tell("frame", { layer: this.data.layer, index: this.index, released: true });
    tell("dock", { key: this.data.over, height: 0 });
    for (const strip of strips.values()) strip.settle(true); // one that took this one's place moves up
  }

  // --- props in ----------------------------------------------------------------------------------------------------

  update({ data, setStateValue }) {
    this.data = data;
    this.say = setStateValue;
    followTheme(this.root);
    const print = JSON.stringify([data.frames, data.look, data.layer]);
    if (print !== this.print) {
      this.print = print;
      this.pause();
      this.build(data);
      this.follow(data.index);
    } else if (data.seen >= this.revision && !this.playing && !this.held && !this.resting) this.follow(data.index);
    this.settle();
  }

  /** Stand where Python says. */
  follow(index) {
    this.known = index;
    this.go(index, true);
  }

  build({ frames, look, playable }) {
    this.root.dataset.look = look;
    this.play.hidden = this.rates.hidden = this.round.hidden = !playable;
    this.news = new Map(); // layer → how far it is loaded
    this.loaded({});
    this.help.textContent = playable ? "· ← → step · space play" : "";
    this.slider.setAttribute("aria-valuemax", frames.length - 1);
    this.times = frames.map((frame) => Date.parse(frame.time));
    this.marks.replaceChildren(...(look === "dates" ? this.dots(frames) : this.cells(frames)));
    this.axis.replaceChildren(...(look === "dates" ? this.dates(frames) : this.spans(frames)));
    this.faced();
  }

  cells(frames) {
    return frames.map(({ kind, gap, forecast, label }) => h("span", { class: "ph-cell", "data-kind": kind, "data-gap": gap, "data-forecast": forecast, title: label }));
  }

  /** Where each date stands on the line, 0 to 1. */
  places() {
    const [start, end] = [this.times[0], this.times.at(-1)];
    return this.times.map((time) => (end > start ? (time - start) / (end - start) : 0.5));
  }

  dots(frames) {
    const places = this.places();
    return frames.map(({ label, gap }, index) => h("span", { class: "ph-dot", "data-gap": gap, title: label, style: { left: `${places[index] * 100}%` } }));
  }

  dates(frames) {
    const places = this.places();
    return frames.map(({ label }, index) => this.tick(label, places[index], index));
  }

  tick(text, place, index = -1) {
    return h("span", { class: "ph-tick", "data-place": place, "data-index": index }, text);
  }

  /** Names of the runs of night and day, as a person says them, and the length of the forecast. */
  spans(frames) {
    const runs = [];
    frames.forEach(({ kind, forecast }, index) => {
      const name = forecast ? "forecast" : kind;
      if (runs.at(-1)?.name === name) runs.at(-1).end = index;
      else runs.push({ name, start: index, end: index });
    });
    const clock = (index) => frames[index].time.slice(11, 16);
    const ticks = [this.tick(clock(0), 0)];
    const ahead = runs.at(-1)?.name === "forecast" ? runs.pop() : null;
    if (ahead) {
      const hours = (this.times.at(-1) - this.times[Math.max(ahead.start - 1, 0)]) / 3.6e6;
      ticks.push(this.tick(`forecast +${Number(hours.toFixed(1))} h`, 1));
    } else ticks.push(this.tick(clock(frames.length - 1), 1));
    runs.forEach(({ name, start, end }, order) => {
      const words = name === "twilight" ? (runs[order + 1]?.name === "day" || runs[order - 1]?.name === "night" ? "dawn" : "dusk") : name;
      if (words !== "scene") ticks.push(this.tick(words, (start + end + 1) / 2 / frames.length));
    });
    return ticks;
  }

  // --- the frame that is shown -------------------------------------------------------------------------------------

  show(index) {
    const frame = this.data.frames[index];
    if (!frame) return;
    this.marks.children[this.index]?.removeAttribute("data-now");
    this.index = index;
    this.marks.children[index]?.setAttribute("data-now", "");
    this.label.textContent = frame.label;
    const state = frame.gap ? "no picture" : frame.forecast ? "forecast" : frame.kind === "scene" ? "" : frame.kind;
    this.words = [frame.note, state].filter(Boolean).join(" · ");
    if (!this.playing) this.spell(frame); // a voice that reads the slider is not flooded, and nothing is laid out for it
    this.annotate();
    tell("frame", { layer: this.data.layer, index, playing: Boolean(this.playing) });
  }

  /** What the slider says of itself. */
  spell(frame) {
    this.slider.setAttribute("aria-valuenow", this.index);
    this.slider.setAttribute("aria-valuetext", [frame.label, this.words].filter(Boolean).join(", "));
  }

  /** Softer words behind the time: what the frame is, and what is still on its way. */
  annotate() {
    const text = [this.words, this.hurdle].filter(Boolean).join(" · ");
    if (this.note.textContent !== text) this.note.textContent = text;
  }

  /** Frames have come, or one can't be had. */
  loaded({ layer, ...news }) {
    if (layer) this.news.set(layer, news);
    const all = [...this.news.values()];
    const least = all.filter(({ whole }) => !whole).sort((a, b) => a.ready / a.total - b.ready / b.total)[0];
    const lost = all.some(({ failed }) => failed);
    this.hurdle = lost ? "this picture can't be drawn" : least && this.data?.playable ? `${least.ready} of ${least.total} loaded` : "";
    this.annotate();
  }

  habit(change) {
    Object.assign(this, change);
    this.faced();
    try {
      sessionStorage.setItem(SHELF, JSON.stringify({ rate: this.rate, loop: this.loop }));
    } catch {
      // storage forbidden: it is then kept until the page is left
    }
  }

  /** Show a frame because something else on the page says so. */
  jump(index) {
    if (!Number.isInteger(index)) return;
    this.pause(false);
    this.go(index);
    clearTimeout(this.resting);
    this.resting = setTimeout(() => this.rest(), REST_MS);
  }

  /** The person moves to a frame; Python hears of it once they rest. */
  go(index, anyway = false) {
    const place = Math.min(Math.max(index, 0), this.data.frames.length - 1);
    if (anyway || place !== this.index) this.show(place);
  }

  rest() {
    clearTimeout(this.resting);
    this.resting = null;
    if (this.index === this.known) return;
    this.known = this.index;
    this.revision = Math.max(this.revision + 1, Date.now());
    this.say("index", { revision: this.revision, index: this.index });
  }

  // --- hands -------------------------------------------------------------------------------------------------------

  under({ clientX }) {
    const box = this.marks.getBoundingClientRect();
    const share = (clientX - box.left) / box.width;
    if (this.data.look === "cells") return Math.floor(share * this.data.frames.length);
    const places = this.places();
    return places.reduce((best, place, index) => (Math.abs(place - share) < Math.abs(places[best] - share) ? index : best), 0);
  }

  grab(event) {
    if (event.button !== 0) return;
    this.pause(false);
    this.held = true;
    this.slider.setPointerCapture(event.pointerId);
    this.go(this.under(event));
  }

  release() {
    if (!this.held) return;
    this.held = false;
    this.rest();
  }

  key_(event) {
    const inside = this.root.contains(event.target);
    const nowhere = event.target === document.body; // no field has the focus
    const onMap = event.key === " " && event.target.matches?.(".ph-canvas"); // the other keys move the map
    if ((!inside && !nowhere && !onMap) || event.ctrlKey || event.metaKey || event.altKey || event.target === this.rates) return;
    const last = this.data.frames.length - 1;
    const target = { ArrowLeft: this.index - 1, ArrowDown: this.index - 1, ArrowRight: this.index + 1, ArrowUp: this.index + 1, Home: 0, End: last, PageUp: this.index - 6, PageDown: this.index + 6 }[event.key];
    const space = event.key === " " && this.data.playable && event.target !== this.play && event.target !== this.round;
    if (target === undefined && !space) return;
    if (nowhere && !space && !["ArrowLeft", "ArrowRight"].includes(event.key)) return; // the page scrolls with the others
    event.preventDefault();
    event.stopPropagation();
    if (space) return this.toggle();
    this.jump(Math.min(Math.max(target, 0), last));
  }

  // --- playing -----------------------------------------------------------------------------------------------------

  toggle() {
    if (this.playing) this.pause();
    else this.start();
  }

  start() {
    if (this.data.frames.every(({ gap }) => gap)) return;
    clearTimeout(this.resting);
    this.resting = null;
    if (!this.loop && this.following(this.index) === null) this.show(this.data.frames.findIndex(({ gap }) => !gap));
    let due = performance.now();
    const step = (now) => {
      this.playing = requestAnimationFrame(step);
      if (now < due) return;
      const next = this.following(this.index);
      if (next === null) return this.pause();
      const question = { layer: this.data.layer, index: next, missing: 0 };
      tell("ready", question); // answered before this returns
      if (question.missing) {
        if (now - due > SLOW_MS) this.root.dataset.waiting = "";
        return; // the time that is named is the one that is seen
      }
      delete this.root.dataset.waiting;
      due = Math.max(due + 1000 / this.rate, now - 1000 / this.rate);
      this.show(next);
    };
    this.playing = requestAnimationFrame(step);
    this.faced();
  }

  /** The frame that is played after one; gaps are passed over. Null at the end, unless it goes round. */
  following(index) {
    const { frames } = this.data;
    for (let step = 1; step <= frames.length; step += 1) {
      if (index + step >= frames.length && !this.loop) return null;
      const next = (index + step) % frames.length;
      if (!frames[next].gap) return next;
    }
    return null;
  }

  pause(settled = true) {
    if (!this.playing) return;
    cancelAnimationFrame(this.playing);
    this.playing = null;
    delete this.root.dataset.waiting;
    this.faced();
    this.show(this.index);
    if (settled) this.rest();
  }

  faced() {
    const name = this.playing ? "Pause" : "Play";
    this.play.setAttribute("aria-label", name);
    this.play.setAttribute("title", `${name} (space)`);
    this.play.setAttribute("aria-pressed", String(Boolean(this.playing)));
    this.round.setAttribute("aria-pressed", String(this.loop));
    this.play.replaceChildren(icon(this.playing ? PAUSE : PLAY, { fill: "currentColor" }));
  }

  // --- place -------------------------------------------------------------------------------------------------------

  settle(again = false) {
    if (!this.root.isConnected || !this.data) return;
    if (again) this.docked = null;
    this.float();
    this.thin();
  }

  /** Over the lower edge of its map where there is room, else under it. */
  float() {
    const map = this.data.over && [...document.querySelectorAll(".ph-map")].find((element) => element.dataset.key === this.data.over);
    const place = this.root.closest('[data-testid="stElementContainer"]') ?? this.root.parentElement;
    this.root.style.marginTop = place.style.marginTop = "";
    let height = 0;
    this.root.classList.toggle("ph-floating", Boolean(map) && window.innerWidth >= NARROW_PX);
    if (map && window.innerWidth >= NARROW_PX) {
      const gap = place.getBoundingClientRect().top - map.getBoundingClientRect().bottom;
      const near = gap > -4 && gap < 80;
      this.root.classList.toggle("ph-floating", near);
      if (near) {
        height = this.root.offsetHeight + INSET_PX;
        place.style.marginTop = `${-gap}px`; // the column's own gap
        this.root.style.marginTop = `${-height}px`;
      }
    }
    if (height !== this.docked) {
      this.docked = height;
      tell("dock", { key: this.data.over, height: height && height + 4 });
    }
  }

  /** Labels that would overlap are left out; the ends stay. */
  thin() {
    const ticks = [...this.axis.children];
    const width = this.axis.clientWidth;
    const inset = this.data.look === "dates" ? DOTS_INSET_PX : 0;
    const taken = [];
    const ranked = [...ticks].sort((a, b) => this.weight(b) - this.weight(a));
    for (const tick of ranked) {
      tick.hidden = false;
      const place = Number(tick.dataset.place);
      const half = tick.offsetWidth / 2;
      const centre = Math.min(Math.max(inset + place * (width - 2 * inset), half), Math.max(width - half, half));
      tick.style.left = `${centre - half}px`;
      tick.hidden = taken.some(([left, right]) => centre - half < right + 6 && centre + half > left - 6);
      if (!tick.hidden) taken.push([centre - half, centre + half]);
    }
  }

  weight({ dataset: { place } }) {
    return place === "0" || place === "1" ? 1 : 0;
  }
}
