// Numbered outlines of the hits, drawn on one canvas: no element a hit, so no tab stops without a name. The keyboard's way to
// them is the gallery.

import { hear, tell } from "../shared/bus.js";
import { Selection } from "../shared/selection.js";

const BADGE = 17; // pixels

const contrast = (colour) => {
  const [red, green, blue] = colour.match(/\w\w/g).map((pair) => parseInt(pair, 16));
  return 0.299 * red + 0.587 * green + 0.114 * blue > 115 ? "#10181f" : "#ffffff";
};

function classes() {
  const HitCanvas = L.Canvas.extend({
    _fillStroke(context, layer) {
      const { lit, picked, weight } = layer.options;
      context.save();
      context.lineJoin = "round";
      context.strokeStyle = picked ? "rgba(255,255,255,.95)" : "rgba(8,14,20,.55)";
      context.lineWidth = weight + (picked ? 4 : 2);
      context.stroke();
      context.restore();
      if (lit || picked) {
        context.save();
        context.globalAlpha = 0.16;
        context.fillStyle = layer.options.color;
        context.fill();
        context.restore();
      }
      L.Canvas.prototype._fillStroke.call(this, context, layer);
      if (layer.options.rank) this.badge(context, layer);
    },
    badge(context, layer) {
      const corner = layer._rings[0].reduce((best, point) => (point.x + point.y < best.x + best.y ? point : best));
      const width = Math.max(BADGE, 9 + 7 * String(layer.options.rank).length);
      const small = layer._pxBounds.getSize().y < 3 * BADGE; // outside the outline where it would cover it
      const [left, top] = [corner.x - 1, small ? corner.y - BADGE + 1 : corner.y - 1];
      context.save();
      context.fillStyle = layer.options.color;
      context.beginPath();
      context.roundRect(left, top, width, BADGE, 2);
      context.fill();
      context.fillStyle = contrast(layer.options.color);
      context.font = "600 12px system-ui, 'DejaVu Sans', sans-serif";
      context.textAlign = "center";
      context.textBaseline = "middle";
      context.fillText(layer.options.rank, left + width / 2, top + BADGE / 2 + 0.5);
      context.restore();
    },
  });
  const Outline = L.Polygon.extend({
    _updateBounds() {
      L.Polygon.prototype._updateBounds.call(this);
      if (!this._pxBounds) return;
      const room = L.point(2 * BADGE, BADGE + 4); // the badge is redrawn with its outline
      this._pxBounds = L.bounds(this._pxBounds.min.subtract(room), this._pxBounds.max.add(room));
    },
  });
  return { HitCanvas, Outline };
}

export class Hits {
  /** @param {(id: string) => void} picked told when the person clicks an outline. */
  constructor(map, picked) {
    const pane = map.createPane("ph-hits");
    pane.style.zIndex = 390; // under the regions' outlines
    const { HitCanvas, Outline } = classes();
    this.map = map;
    this.picked = picked;
    this.Outline = Outline;
    this.renderer = new HitCanvas({ pane: "ph-hits", padding: 0.3 });
    this.outlines = new Map(); // tile id → layer
    this.lit = null;
    this.selection = new Selection((id, before) => this.select(id, before));
    this.stop = [hear("hover", ({ id }) => this.light(id)), this.selection.stop];
  }

  reconcile(hits, selected) {
    const print = JSON.stringify(hits);
    if (print !== this.print) {
      this.print = print;
      for (const layer of this.outlines.values()) layer.remove();
      this.outlines.clear();
      for (const hit of [...hits].reverse()) this.add(hit); // the best one on top
    }
    this.selection.follow(selected);
  }

  add(hit) {
    const layer = new this.Outline(this.nearest(hit.ring), {
      renderer: this.renderer,
      pane: "ph-hits",
      pmIgnore: true,
      bubblingMouseEvents: false,
      color: hit.colour,
      weight: hit.tile_id === this.selection.id ? 3 : 2,
      fill: false,
      rank: hit.rank,
      lit: false,
      picked: hit.tile_id === this.selection.id,
    });
    layer.on("click", () => {
      tell("pick", { id: hit.tile_id });
      this.picked(hit.tile_id);
    });
    layer.on("mouseover", () => tell("hover", { id: hit.tile_id }));
    layer.on("mouseout", () => tell("hover", { id: null }));
    layer.addTo(this.map);
    this.outlines.set(hit.tile_id, layer);
  }

  /** The outline on the copy of the world that is looked at. */
  nearest(ring) {
    const middle = ring.reduce((sum, [lon]) => sum + lon, 0) / ring.length;
    const turn = 360 * Math.round((this.map.getCenter().lng - middle) / 360);
    return ring.map(([lon, lat]) => [lat, lon + turn]);
  }

  restyle(id, change) {
    const layer = this.outlines.get(id);
    if (!layer) return;
    layer.setStyle(change);
    if (layer.options.lit || layer.options.picked) layer.bringToFront();
  }

  light(id) {
    if (id === this.lit) return;
    this.restyle(this.lit, { lit: false, weight: this.lit === this.selection.id ? 3 : 2 });
    this.restyle(id, { lit: true, weight: 4 });
    this.lit = id;
  }

  select(id, before) {
    this.restyle(before, { picked: false, weight: before === this.lit ? 4 : 2 });
    this.restyle(id, { picked: true, weight: id === this.lit ? 4 : 3 });
  }

  remove() {
    this.stop.forEach((stop) => stop());
  }
}
