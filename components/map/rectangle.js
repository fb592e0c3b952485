// A rectangle by dragging from corner to corner, or by clicking the two corners; works with mouse, pen and finger.

const DRAG_PX = 6; // less is a click

export class RectangleTool {
  constructor(map, drawn, sized) {
    this.map = map;
    this.drawn = drawn;
    this.sized = sized;
    this.box = map.getContainer();
    this.on = { pointerdown: (e) => this.press(e), pointermove: (e) => this.move(e), pointerup: (e) => this.release(e), pointercancel: () => this.forget() };
  }

  start() {
    if (this.active) return;
    this.active = true;
    this.box.classList.add("ph-drawing");
    this.map.dragging.disable();
    this.map.doubleClickZoom.disable();
    for (const [name, listener] of Object.entries(this.on)) this.box.addEventListener(name, listener, true);
  }

  stop() {
    if (!this.active) return;
    this.active = false;
    this.forget();
    this.box.classList.remove("ph-drawing");
    this.map.dragging.enable();
    this.map.doubleClickZoom.enable();
    for (const [name, listener] of Object.entries(this.on)) this.box.removeEventListener(name, listener, true);
  }

  forget() {
    this.corner = null;
    this.preview?.remove();
    this.preview = null;
  }

  press(event) {
    if (event.button !== 0 || event.target.closest("button, input")) return;
    event.stopPropagation();
    event.preventDefault();
    this.pressed = L.point(event.clientX, event.clientY);
    this.corner ??= this.map.mouseEventToLatLng(event);
    try {
      this.box.setPointerCapture(event.pointerId);
    } catch {
      // the pointer is gone already
    }
  }

  move(event) {
    if (!this.corner) return;
    event.stopPropagation();
    const bounds = L.latLngBounds(this.corner, this.map.mouseEventToLatLng(event));
    const middle = bounds.getCenter().lat;
    this.sized(this.map.distance([middle, bounds.getWest()], [middle, bounds.getEast()]), this.map.distance(bounds.getSouthWest(), bounds.getNorthWest()));
    if (this.preview) this.preview.setBounds(bounds);
    else this.preview = L.rectangle(bounds, { pane: "ph-regions", color: "#fff", weight: 2, dashArray: "7 5", fill: true, fillOpacity: 0.08, interactive: false, pmIgnore: true, className: "ph-region" }).addTo(this.map);
  }

  release(event) {
    if (!this.corner || !this.pressed) return;
    event.stopPropagation();
    const here = L.point(event.clientX, event.clientY);
    const start = this.map.latLngToContainerPoint(this.corner);
    const end = this.map.mouseEventToContainerPoint(event);
    const dragged = here.distanceTo(this.pressed) > DRAG_PX;
    const wide = Math.abs(start.x - end.x) > DRAG_PX && Math.abs(start.y - end.y) > DRAG_PX;
    this.pressed = null;
    if (!wide) {
      if (dragged) this.forget(); // a line encloses nothing
      return; // the first of two clicks
    }
    const bounds = L.latLngBounds(this.corner, this.map.mouseEventToLatLng(event));
    this.drawn(bounds);
  }
}
