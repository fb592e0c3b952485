// Which hit is picked. The person's pick shows at once; the run that carries it to Python still brings the one before, which must
// not flash up again.

import { hear } from "./bus.js";

const HOLD_MS = 3000; // as long as such a run may take

export class Selection {
  /** @param {(id: string|null, before: string|null) => void} show */
  constructor(show) {
    this.show = show;
    this.id = null;
    this.stale = [];
    this.stop = hear("pick", ({ id }) => {
      this.stale = [this.told, this.id];
      this.until = performance.now() + HOLD_MS;
      this.set(id);
    });
  }

  /** What Python says. */
  follow(id) {
    const old = performance.now() < (this.until ?? 0) && this.stale.includes(id);
    if (id !== this.told && !old) this.set(id);
    if (!old) this.told = id;
  }

  set(id) {
    const before = this.id;
    this.id = id;
    if (id !== before) this.show(id, before);
  }
}
