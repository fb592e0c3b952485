// Frames of one box at several times, played on one canvas: every frame is decoded beforehand and kept as a bitmap, so that a
// step is one drawing and the canvas is never without a picture. What is kept is bounded; a long series keeps what comes next.

import { tell } from "../shared/bus.js";

const BUDGET_BYTES = 256 * 2 ** 20; // decoded pictures of one layer
const FEWEST = 12; // frames kept ahead, however large they are
const BEHIND = 4; // of them behind the shown one, for steps back
const AT_ONCE = 2;
const RETRIES = 4; // of a server that is busy
const RETRY_MS = 700;

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** A frame's bitmap, or null where the server has nothing to show. */
async function decoded(url, signal) {
  for (let attempt = 0; ; attempt += 1) {
    const answer = await fetch(url, { signal });
    if (answer.status === 204) return null;
    if (answer.ok) return createImageBitmap(await answer.blob());
    if (answer.status !== 503 || attempt === RETRIES) throw new Error(`${answer.status}`);
    await pause(RETRY_MS * (attempt + 1));
  }
}

/** The layer's class; Leaflet is there only once the map is built. */
export function film(urls, bounds, options) {
  const Film = L.ImageOverlay.extend({
    _initImage() {
      this._image = L.DomUtil.create("canvas", "leaflet-image-layer ph-frames");
      if (this._zoomAnimated) L.DomUtil.addClass(this._image, "leaflet-zoom-animated");
      this._image.width = this._image.height = 1;
      this._image.dataset.shown = -1;
      this.ink = this._image.getContext("2d");
      this.frames = urls.map((url) => (url ? { url } : { gap: true })); // {url, gap, coming, bitmap, ready, failed}
      this.total = this.frames.filter(({ gap }) => !gap).length;
      this.shown = -1;
      this.wanted = -1;
      this.stop = new AbortController();
    },

    onRemove(map) {
      L.ImageOverlay.prototype.onRemove.call(this, map);
      this.stop.abort();
      for (const frame of this.frames) this.forget(frame);
    },

    // --- what is kept ----------------------------------------------------------------------------------------------

    /** How many frames fit; known once the first one is there. */
    room() {
      return this.bytes ? Math.max(FEWEST, Math.floor(BUDGET_BYTES / this.bytes)) : FEWEST;
    },

    /** Indices in playing order from a little before the shown one, as many as fit. */
    window() {
      const count = this.frames.length;
      const from = this.room() >= count ? this.wanted : this.wanted - BEHIND;
      return Array.from({ length: Math.min(this.room(), count) }, (_, step) => (((from + step) % count) + count) % count);
    },

    keeps(index) {
      const { ready, failed, gap } = this.frames[index] ?? {};
      return Boolean(ready || failed || gap);
    },

    /** Fetch what is missing, the shown one first, then onward in playing order. */
    async preload() {
      if (this.filling) return;
      this.filling = true;
      const next = () => [this.wanted, ...this.window()].find((index) => index >= 0 && !this.keeps(index) && !this.frames[index].coming);
      const run = async () => {
        for (let index = next(); index !== undefined && this._map; index = next()) await this.fetch(index);
      };
      await Promise.all(Array.from({ length: AT_ONCE }, run));
      this.filling = false;
    },

    fetch(index) {
      const frame = this.frames[index];
      if (!frame || frame.gap || frame.ready) return Promise.resolve();
      frame.coming ??= decoded(frame.url, this.stop.signal)
        .then((bitmap) => {
          if (this.stop.signal.aborted) return bitmap?.close();
          Object.assign(frame, { bitmap, ready: true, failed: false });
          if (bitmap) this.bytes = Math.max(this.bytes ?? 0, 4 * bitmap.width * bitmap.height);
          this.tidy();
        })
        .catch(() => {
          frame.failed = !this.stop.signal.aborted; // asked for again at the next visit
        })
        .finally(() => {
          frame.coming = null;
          if (this.stop.signal.aborted) return;
          if (this.wanted === index) this.draw(index);
          this.report();
        });
      return frame.coming;
    },

    tidy() {
      const kept = this.frames.filter(({ bitmap }) => bitmap).length;
      if (kept <= this.room()) return;
      const wanted = new Set(this.window());
      this.frames.forEach((frame, index) => wanted.has(index) || index === this.wanted || this.forget(frame));
    },

    forget(frame) {
      frame.bitmap?.close();
      Object.assign(frame, { bitmap: null, ready: false });
    },

    /** How far it is, for whoever shows it. */
    report() {
      const ready = this.frames.filter((frame) => frame.ready || frame.failed).length;
      const whole = ready >= Math.min(this.total, this.room());
      this._image.dataset.ready = this.frames.filter((frame) => frame.ready).length;
      tell("loaded", { layer: this.options.film, ready, total: Math.min(this.total, this.room()), whole, failed: Boolean(this.frames[this.wanted]?.failed) });
    },

    // --- what is seen ----------------------------------------------------------------------------------------------

    show(index) {
      if (index !== this.wanted && this.frames[index]?.failed) this.frames[index].failed = false; // another try
      this.wanted = index;
      if (this.keeps(index)) this.draw(index);
      else this.fetch(index); // until it is here the last one stays
      if (this.begun && this.room() < this.frames.length) this.preload();
    },

    draw(index) {
      const { bitmap, failed, gap } = this.frames[index];
      const { canvas } = this.ink;
      if (bitmap && (canvas.width !== bitmap.width || canvas.height !== bitmap.height)) Object.assign(canvas, { width: bitmap.width, height: bitmap.height });
      else this.ink.clearRect(0, 0, canvas.width, canvas.height);
      if (bitmap) this.ink.drawImage(bitmap, 0, 0); // in one task with the clearing: nobody sees in between
      this.shown = gap || failed ? -1 : index; // a gap is shown as a gap
      canvas.dataset.shown = this.shown;
    },
  });
  return new Film("", bounds, options);
}
