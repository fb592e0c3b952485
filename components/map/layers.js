// The pictures under the regions and hits, reconciled by id and version: what did not change is not touched, what changed is
// swapped only when its successor is on screen, so nothing blinks. One pane a layer, so opacity and order cost no reload.

import { film } from "./film.js";

const FIRST_PANE = 210; // above Leaflet's own tile pane, below the hits (390)
const PATIENCE_MS = 2500; // frames wait this long for the base map to finish first

const corners = ([west, south, east, north]) => [
  [south, west],
  [north, west > east ? east + 360 : east],
];

const content = ({ kind, version, url, urls, bounds }) => JSON.stringify([kind, version, url, urls, bounds]);

export class Layers {
  constructor(map) {
    this.map = map;
    this.entries = new Map(); // id → {spec, pane, shown, coming, current, index, conducted}
    this.calm = new Promise((resolve) => {
      this.baseLoaded = resolve;
      setTimeout(resolve, PATIENCE_MS);
    });
  }

  reconcile(specs) {
    const wanted = new Set(specs.map((spec) => spec.id));
    for (const [id, entry] of this.entries) if (!wanted.has(id)) this.drop(id, entry);
    specs.forEach((spec, order) => this.apply(spec, order));
  }

  apply(spec, order) {
    let entry = this.entries.get(spec.id);
    if (!entry) {
      const pane = this.map.createPane(`ph-layer-${spec.id}`);
      pane.dataset.layer = spec.id;
      entry = { spec: null, pane, shown: null, coming: null };
      this.entries.set(spec.id, entry);
    }
    const before = entry.spec;
    entry.spec = spec;
    entry.pane.style.zIndex = FIRST_PANE + order;
    entry.pane.style.opacity = spec.opacity;
    entry.pane.style.display = spec.visible ? "" : "none";
    entry.pane.classList.toggle("ph-dims", Boolean(spec.dims));
    entry.pane.classList.toggle("ph-crisp", spec.smooth === false);
    if (!before || content(before) !== content(spec)) entry.stale = true;
    if (!entry.conducted && spec.index !== before?.index) entry.index = spec.index; // a timeline on this page knows better
    if (entry.stale && spec.visible) this.swap(entry); // what nobody sees is not fetched
    else entry.current?.show?.(entry.index);
  }

  swap(entry) {
    entry.stale = false;
    entry.coming?.remove(); // overtaken before it was ready
    const fresh = this.build(entry);
    const old = entry.shown;
    entry.coming = fresh;
    entry.current = fresh;
    const settle = () =>
      requestAnimationFrame(() =>
        requestAnimationFrame(() => {
          if (entry.coming !== fresh) return;
          old?.remove();
          entry.shown = fresh;
          entry.coming = null;
        }),
      );
    fresh.once(entry.spec.kind === "tiles" ? "load" : "ph:ready", settle);
    fresh.addTo(this.map);
    fresh.begin?.();
  }

  build(entry) {
    const { spec } = entry;
    const common = { pane: `ph-layer-${spec.id}`, pmIgnore: true, interactive: false };
    const bounds = spec.bounds ? corners(spec.bounds) : undefined;
    if (spec.kind === "tiles") {
      const layer = L.tileLayer(spec.url, {
        ...common,
        bounds,
        minZoom: 0,
        maxZoom: 24,
        minNativeZoom: spec.min_zoom ?? 0,
        maxNativeZoom: spec.max_zoom ?? 24,
        tileSize: spec.tile_size ?? 256,
        updateWhenIdle: false,
      });
      layer.once("load", () => this.baseLoaded());
      return layer;
    }
    if (spec.kind === "picture") {
      const layer = L.imageOverlay(spec.url, bounds, common);
      layer.on("load error", () => layer.fire("ph:ready"));
      return layer;
    }
    if (spec.kind === "frames") return this.buildFrames(entry, bounds, common);
    return this.buildShapes(spec, common);
  }

  buildFrames(entry, bounds, common) {
    const layer = film(entry.spec.urls, bounds, { ...common, film: entry.spec.id });
    layer.begin = async () => {
      const { index } = entry;
      layer.show(index);
      await layer.fetch(index);
      layer.fire("ph:ready");
      await this.calm; // the base map comes first
      layer.begun = true;
      layer.preload();
    };
    return layer;
  }

  buildShapes(spec, common) {
    const renderer = L.canvas({ pane: common.pane }); // no element a shape, so no tab stops without a name
    const layer = L.geoJSON(null, {
      ...common,
      renderer,
      style: ({ properties }) => ({
        color: properties?.colour ?? spec.colour,
        weight: spec.weight,
        fill: spec.fill_opacity > 0,
        fillOpacity: spec.fill_opacity,
      }),
      pointToLayer: (feature, latlng) => L.circleMarker(latlng, { ...common, renderer, radius: 4 }),
    });
    layer.begin = async () => {
      try {
        const answer = await fetch(spec.url);
        if (answer.ok) layer.addData(await answer.json());
      } catch {
        // the layer stays empty; the rest of the map is not touched
      }
      layer.fire("ph:ready");
    };
    layer.on("remove", () => renderer.remove());
    return layer;
  }

  /** The timeline shows another frame; from now on it, not Python, says which. */
  showFrame({ layer, index, released }) {
    for (const [id, entry] of this.entries) {
      if (entry.spec.kind !== "frames" || (layer && layer !== id)) continue;
      if (entry.spec.pinned) continue;
      entry.conducted = !released;
      if (released) continue;
      entry.index = index;
      entry.current?.show?.(index);
    }
  }

  /** Whether a frame can be shown at once; the timeline waits for what is not here yet. */
  ask(question) {
    for (const [id, { spec, current }] of this.entries) {
      if (spec.kind !== "frames" || spec.pinned || !spec.visible || (question.layer && question.layer !== id)) continue;
      if (current && !current.keeps(question.index)) question.missing += 1;
    }
  }

  /** Each layer's pane and the side of a swipe that it belongs to. */
  *sides() {
    for (const { pane, spec } of this.entries.values()) yield [pane, spec.side];
  }

  drop(id, entry) {
    entry.shown?.remove();
    entry.coming?.remove();
    entry.pane.remove();
    delete this.map._panes[`ph-layer-${id}`]; // Leaflet keeps no way to take a pane back
    this.entries.delete(id);
  }

  get attributions() {
    return [...this.entries.values()].filter(({ spec }) => spec.visible && spec.attribution).map(({ spec }) => spec.attribution);
  }
}
