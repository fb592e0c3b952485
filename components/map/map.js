// The map: told addresses of pictures, regions, hits and a camera; says what the person drew, clicked and picked. It never asks
// Python for pixels, and a rerun never builds it again.

import { hear, tell } from "../shared/bus.js";
import { calm, followTheme, h, useScript, useStyle } from "../shared/dom.js";
import { Camera } from "./camera.js";
import * as furniture from "./furniture.js";
import { Hits } from "./hits.js";
import { Layers } from "./layers.js";
import { Marks } from "./marks.js";
import { Shapes } from "./shapes.js";
import { Swipe } from "./swipe.js";

const PARKED_MS = 120_000; // a map whose page was left waits this long for its return
const NARROW_PX = 640; // below, Streamlit stacks its columns
const TAIL_PX = 140; // more than this under the map is content to scroll to
const DOUBLE_CLICK_MS = 220;

const maps = new Map(); // key → PharosMap

export default async function render(component) {
  const { data, parentElement } = component;
  try {
    await Promise.all([useStyle(data.assets.style), useStyle(data.assets.shared), useStyle(data.assets.leaflet_style), useStyle(data.assets.geoman_style)]);
    await useScript(data.assets.leaflet);
    window.L.PM ?? (await useScript(data.assets.geoman));
  } catch (error) {
    parentElement.replaceChildren(h("div", { class: "ph-error", role: "alert" }, `The map can't be shown: ${error.message}`));
    return undefined;
  }
  L.PM.setOptIn(true);
  L.Marker.mergeOptions({ keyboard: false }); // the handles of an outline would be tab stops without a name
  if (!maps.has(data.key)) maps.set(data.key, new PharosMap(data.key));
  const map = maps.get(data.key);
  map.attach(parentElement);
  map.update(component);
  return () => map.detach(parentElement);
}

class PharosMap {
  constructor(key) {
    this.key = key;
    this.canvas = h("div", { class: "ph-canvas", role: "application", "aria-label": "Map: arrow keys move it, plus and minus zoom" });
    this.root = h("section", { class: "ph ph-map", "aria-label": "Map" }, this.canvas);
    this.resized = new ResizeObserver(() => this.fit());
    this.unhear = [
      hear("frame", (detail) => this.layers?.showFrame(detail)),
      hear("ready", (question) => this.root.isConnected && this.layers?.ask(question)),
      hear("dock", (detail) => this.dock(detail)),
      hear("look", (detail) => detail.over === this.key && this.map?.panTo([detail.lat, detail.lon], { animate: !calm() })),
    ];
  }

  // --- in and out of the page --------------------------------------------------------------------------------------

  attach(parent) {
    clearTimeout(this.parked);
    if (this.root.parentElement === parent) return;
    parent.append(this.root);
    tell("sized", { key: this.key });
    this.resized.observe(parent);
    this.resize ??= () => this.fit();
    window.addEventListener("resize", this.resize);
  }

  /** The page was left, or Streamlit moved the component: the map is kept for a while, so coming back shows it at once. */
  detach(parent) {
    if (parent.isConnected || this.root.parentElement !== parent) return; // an overtaken run, or already elsewhere
    this.resized.disconnect();
    window.removeEventListener("resize", this.resize);
    this.root.remove();
    this.parked = setTimeout(() => this.destroy(), PARKED_MS);
  }

  destroy() {
    maps.delete(this.key);
    this.hits?.remove();
    this.marks?.remove();
    this.unhear.forEach((stop) => stop());
    document.removeEventListener("keydown", this.escape, true);
    this.map?.remove();
  }

  // --- props in ----------------------------------------------------------------------------------------------------

  update({ data, setStateValue, setTriggerValue }) {
    this.data = data;
    this.say = { state: setStateValue, trigger: setTriggerValue };
    followTheme(this.root);
    this.root.dataset.key = data.key;
    this.fit();
    this.map ?? this.build(data);
    this.camera.follow(data.camera);
    const theme = this.root.dataset.theme;
    this.layers.reconcile(data.layers.map((layer) => (layer.url ? { ...layer, url: layer.url.replace("{theme}", theme) } : layer)));
    this.shapes.reconcile(data.regions, data.seen);
    this.hits.reconcile(data.hits, data.selected);
    this.marks.reconcile(data.marks ?? []);
    this.swipe.reconcile(data.swipe ?? null);
    this.furnish(data);
  }

  build(data) {
    const still = calm();
    this.map = L.map(this.canvas, {
      zoomControl: false,
      attributionControl: false,
      fadeAnimation: false, // fading is flicker when pictures are swapped
      zoomAnimation: !still,
      inertia: !still,
      worldCopyJump: false, // longitudes beyond ±180° stay as drawn
      minZoom: 1,
      maxZoom: 22,
      maxBounds: [
        [-89, -540],
        [89, 540],
      ],
      zoomSnap: data.zoom_step ?? 1,
      wheelPxPerZoomLevel: 90,
      pmIgnore: false, // geoman only serves what says so
    });
    this.camera = new Camera(this.map, data.key);
    this.layers = new Layers(this.map);
    this.hits = new Hits(this.map, (id) => this.say.trigger("picked", id));
    this.marks = new Marks(this.map, data.key);
    this.swipe = new Swipe(this.map, this.root, () => this.layers.sides(), (at) => this.say.state("divider", at));
    this.shapes = new Shapes(
      this.map,
      (revision, features) => {
        this.say.state("regions", { revision, features });
        this.moded(this.shapes.mode);
      },
      (mode) => this.moded(mode),
      (width, height) => this.hint.measure(width, height),
    );
    this.clicks();
    this.tools = furniture.tools((tool) => this.act(tool), data.editable);
    this.hint = furniture.hint();
    this.corner = h("div", { class: "ph-corner" });
    this.badge = h("div", { class: "ph-badge", hidden: true });
    this.readout = h("output", { class: "ph-readout", "aria-hidden": "true" });
    this.credits = h("div", { class: "ph-credits" });
    const scale = L.control.scale({ imperial: false, maxWidth: 90 });
    scale.addTo(this.map);
    const foot = h("div", { class: "ph-foot" }, scale.getContainer(), this.readout, this.credits);
    for (const element of [this.tools.element, this.hint.element, this.corner, this.badge, foot]) {
      L.DomEvent.disableClickPropagation(element);
      L.DomEvent.disableScrollPropagation(element);
      this.root.append(element);
    }
    this.moded(null);
  }

  furnish({ legend, badge }) {
    const print = JSON.stringify(legend);
    if (print !== this.legendPrint) {
      this.legendPrint = print;
      const cards = legend ?? [];
      const room = cards.length < 2 || window.innerWidth >= NARROW_PX; // on a phone several would cover the map
      this.corner.replaceChildren(...cards.map((card, order) => furniture.legend(card, room && order === 0)));
    }
    this.badge.textContent = badge ?? "";
    this.badge.hidden = !badge;
    this.credits.textContent = furniture.credits(this.layers.attributions);
    this.tools.show(this.shapes.mode, this.shapes.shapes.size);
  }

  // --- events out --------------------------------------------------------------------------------------------------

  clicks() {
    let waiting = null;
    this.map.on("click", ({ latlng }) => {
      clearTimeout(waiting);
      if (this.shapes.busy || !this.data.clickable) return;
      waiting = setTimeout(() => {
        tell("place", { over: this.key, lon: latlng.lng, lat: latlng.lat });
        this.say.trigger("clicked", { lon: latlng.lng, lat: latlng.lat });
      }, DOUBLE_CLICK_MS);
    });
    this.map.on("dblclick movestart", () => clearTimeout(waiting));
    this.map.on("mousemove", ({ latlng }) => {
      this.readout.textContent = furniture.position(latlng);
      tell("over", { over: this.key, lon: latlng.lng, lat: latlng.lat });
    });
    this.canvas.addEventListener("pointerleave", () => {
      this.readout.textContent = "";
      tell("over", { over: this.key, lon: null, lat: null });
    });
    this.escape = (event) => {
      if (event.key === "Escape" && this.root.isConnected && this.shapes.cancel()) event.stopPropagation();
    };
    document.addEventListener("keydown", this.escape, true);
  }

  act(tool) {
    if (tool === "in") this.map.zoomIn();
    else if (tool === "out") this.map.zoomOut();
    else if (tool === "home") this.camera.goHome();
    else this.shapes.use(tool);
  }

  moded(mode) {
    this.tools?.show(mode, this.shapes.shapes.size);
    this.hint?.show(mode);
    this.root.dataset.mode = mode ?? "";
  }

  /** A timeline floats over the lower edge: what stands there moves up. */
  dock({ key, height }) {
    if (key !== this.key) return;
    this.root.style.setProperty("--ph-dock", `${height}px`);
    this.fit();
    this.camera?.covered(height);
  }

  // --- size --------------------------------------------------------------------------------------------------------

  /** Wide: down to the lower edge of the window. Narrow, where panels stack: at least 55 % of the window. */
  fit() {
    if (!this.data || !this.root.isConnected) return;
    const tall = window.innerHeight;
    const narrow = window.innerWidth < NARROW_PX;
    const rest = tall - this.top() - this.tail();
    const height = narrow ? Math.max(Math.round(tall * 0.58), Math.min(this.data.height, tall * 0.7)) : Math.max(this.data.height, rest);
    if (this.root.clientHeight !== Math.round(height)) {
      this.root.style.height = `${Math.round(height)}px`;
      tell("sized", { key: this.key });
    }
    this.map?.invalidateSize({ pan: false, animate: false });
    this.camera?.sized();
  }

  /** What little the page has under the map: gaps, a floating timeline, its own margin. */
  tail() {
    const block = this.root.closest('[data-testid="stVerticalBlock"]');
    const page = this.root.closest('[data-testid="stMainBlockContainer"]');
    const margin = page ? parseFloat(getComputedStyle(page).paddingBottom) : 0;
    const under = block?.lastElementChild ? block.lastElementChild.getBoundingClientRect().bottom - this.root.getBoundingClientRect().bottom : 0;
    return (under > 0 && under < TAIL_PX ? under : 0) + (margin < TAIL_PX ? margin : 0);
  }

  /** Distance from the top of the page's scrolled content. */
  top() {
    let scrolled = 0;
    for (let element = this.root.parentElement; element; element = element.parentElement) scrolled += element.scrollTop;
    return this.root.getBoundingClientRect().top + scrolled;
  }
}
