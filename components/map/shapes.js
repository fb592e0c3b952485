// The person's regions: drawn, edited, named and deleted here, and only here between two messages to Python. What Python sends
// wins once it has seen the person's last edit.

import { h } from "../shared/dom.js";
import { RectangleTool } from "./rectangle.js";

const LOOK = { color: "#ffffff", weight: 2, dashArray: "7 5", lineCap: "butt", fill: false, fillColor: "#ffffff", fillOpacity: 0.06, className: "ph-region" };
const EDITING = { snappable: false, allowSelfIntersection: false, draggable: true, hideMiddleMarkers: false };
const NAME_LENGTH = 60;

const round = (value) => Math.round(value * 1e7) / 1e7; // a centimetre
const rounded = (coordinates) => (typeof coordinates[0] === "number" ? coordinates.map(round) : coordinates.map(rounded));
const newId = () => "r" + Array.from(crypto.getRandomValues(new Uint8Array(5)), (byte) => byte.toString(16).padStart(2, "0")).join("");
const latlngs = (geometry) => L.GeoJSON.coordsToLatLngs(geometry.coordinates, geometry.type === "MultiPolygon" ? 2 : 1);

function isBox({ type, coordinates }) {
  if (type !== "Polygon" || coordinates.length !== 1 || coordinates[0].length !== 5) return false;
  const corners = coordinates[0].slice(0, 4);
  return [0, 1].every((axis) => new Set(corners.map((corner) => round(corner[axis]))).size === 2) && new Set(corners.map(String)).size === 4;
}

export class Shapes {
  /**
   * @param {(revision: number, features: object[]) => void} told told of every change by the person, with all regions.
   * @param {(mode: string|null) => void} moded told which tool is in hand.
   * @param {(width: number, height: number) => void} sized told how large the rectangle in the making is, metres.
   */
  constructor(map, told, moded, sized) {
    this.map = map;
    this.told = told;
    this.moded = moded;
    this.shapes = new Map(); // id → {id, name, layer, chip}
    this.revision = 0;
    this.mode = null;
    map.createPane("ph-regions").style.zIndex = 420;
    map.createPane("ph-chips").style.zIndex = 640;
    map.pm.setGlobalOptions({ snappable: false, continueDrawing: false });
    this.rectangle = new RectangleTool(map, (bounds) => this.drawn(L.rectangle(bounds)), sized);
    map.on("pm:create", ({ layer }) => {
      const fresh = layer.getLatLngs();
      layer.remove(); // geoman's own layer gives way to one with our look
      this.drawn(L.polygon(fresh));
    });
  }

  // --- from Python -------------------------------------------------------------------------------------------------

  reconcile(features, seen) {
    if (seen < this.revision || this.dragging) return; // these are older than what the person did
    const wanted = new Map(features.map((feature) => [feature.id, feature]));
    for (const id of [...this.shapes.keys()]) if (!wanted.has(id)) this.drop(id);
    for (const feature of wanted.values()) this.put(feature);
  }

  put({ id, properties, geometry }) {
    const shape = this.shapes.get(id);
    if (shape && JSON.stringify(rounded(geometry.coordinates)) === JSON.stringify(this.feature(shape).geometry.coordinates)) {
      if (shape.name !== properties.name) this.call(shape, properties.name);
      return;
    }
    if (shape) this.drop(id);
    const points = latlngs(geometry);
    this.add(id, properties.name, isBox(geometry) ? L.rectangle(L.latLngBounds(points[0])) : L.polygon(points));
  }

  // --- to Python ---------------------------------------------------------------------------------------------------

  commit() {
    this.revision = Math.max(this.revision + 1, Date.now());
    this.told(this.revision, [...this.shapes.values()].map((shape) => this.feature(shape)));
  }

  feature({ id, name, layer }) {
    const { geometry } = layer.toGeoJSON(9);
    return { type: "Feature", id, properties: { name }, geometry: { type: geometry.type, coordinates: rounded(geometry.coordinates) } };
  }

  // --- drawing -----------------------------------------------------------------------------------------------------

  /** Take a tool in hand, or put it away when it is the same. */
  use(mode) {
    const next = mode === this.mode ? null : mode;
    this.putAway();
    this.mode = next;
    if (next === "rectangle") this.rectangle.start();
    if (next === "polygon") {
      this.map.pm.enableDraw("Polygon", {
        snappable: false,
        allowSelfIntersection: false,
        tooltips: false,
        cursorMarker: true,
        templineStyle: { ...LOOK, className: "ph-region" },
        hintlineStyle: { ...LOOK, opacity: 0.8, className: "ph-region" },
        pathOptions: LOOK,
      });
    }
    if (next === "edit") for (const { layer } of this.shapes.values()) layer.pm.enable(EDITING);
    for (const { layer } of this.shapes.values()) this.dress(layer);
    this.moded(this.mode);
  }

  putAway() {
    this.rectangle.stop();
    if (this.map.pm.globalDrawModeEnabled()) this.map.pm.disableDraw();
    if (this.mode === "edit") for (const { layer } of this.shapes.values()) layer.pm.disable();
    this.mode = null;
  }

  /** Whether a click belongs to a tool, not to the map. */
  get busy() {
    return this.mode !== null || performance.now() < (this.quietUntil ?? 0);
  }

  cancel() {
    if (!this.mode) return false;
    this.use(this.mode);
    return true;
  }

  drawn(layer) {
    this.use(null);
    this.quietUntil = performance.now() + 300; // the click that ended the drawing asks for nothing else
    const shape = this.add(newId(), this.freeName(), layer);
    this.commit();
    this.rename(shape);
  }

  freeName() {
    const taken = new Set([...this.shapes.values()].map(({ name }) => name));
    let number = 1;
    while (taken.has(`Region ${number}`)) number += 1;
    return `Region ${number}`;
  }

  add(id, name, layer) {
    Object.assign(layer.options, LOOK, { pane: "ph-regions", pmIgnore: false, bubblingMouseEvents: true });
    L.PM.reInitLayer(layer);
    const shape = { id, name, layer };
    shape.chip = L.marker([0, 0], {
      pane: "ph-chips",
      interactive: false,
      keyboard: false,
      pmIgnore: true,
      icon: L.divIcon({ className: "ph-chip-anchor", iconSize: [0, 0], html: h("div") }),
    });
    this.shapes.set(id, shape);
    layer.addTo(this.map);
    this.place(shape);
    shape.chip.addTo(this.map);
    this.call(shape, name);
    this.dress(layer);
    if (this.mode === "edit") layer.pm.enable(EDITING);
    layer.on("click", (event) => {
      if (this.mode !== "delete") return;
      L.DomEvent.stop(event);
      this.delete(id);
    });
    layer.on("dblclick", (event) => {
      if (this.mode) return;
      L.DomEvent.stop(event);
      this.rename(shape);
    });
    layer.on("pm:markerdragstart pm:dragstart", () => (this.dragging = true));
    layer.on("pm:markerdragend pm:dragend", () => (this.dragging = false));
    layer.on("pm:markerdrag pm:drag pm:edit pm:update pm:vertexremoved", () => this.place(shape));
    layer.on("pm:edit", () => this.edited(shape));
    layer.on("pm:remove", () => this.shapes.has(id) && this.delete(id)); // its last corners were taken away
    return shape;
  }

  edited(shape) {
    const now = JSON.stringify(this.feature(shape).geometry);
    if (now === shape.sent) return;
    shape.sent = now;
    this.commit();
  }

  delete(id) {
    this.drop(id);
    this.commit();
    if (this.shapes.size === 0 && this.mode) this.use(this.mode);
    else this.moded(this.mode);
  }

  drop(id) {
    const { layer, chip } = this.shapes.get(id);
    this.shapes.delete(id);
    layer.pm.disable();
    layer.remove();
    chip.remove();
  }

  /** An outline is clickable where it is drawn; with the eraser or the pencil in hand its inside is, too. */
  dress(layer) {
    const solid = this.mode === "delete" || this.mode === "edit";
    layer.setStyle({ ...LOOK, fill: solid, fillOpacity: this.mode === "delete" ? 0.12 : 0.06, fillColor: this.mode === "delete" ? "#ff5b4d" : "#ffffff" });
  }

  // --- names -------------------------------------------------------------------------------------------------------

  place({ layer, chip }) {
    chip.setLatLng(layer.getBounds().getNorthWest());
  }

  call(shape, name) {
    shape.name = name;
    if (shape.naming) return; // the person is typing
    const chip = h("button", {
      type: "button",
      class: "ph-chip",
      title: "Double-click to rename",
      "aria-label": `Region ${name}: Enter renames, Delete removes`,
      ondblclick: (event) => this.begin(event, shape),
      onclick: (event) => {
        event.stopPropagation();
        if (this.mode === "delete") this.delete(shape.id);
      },
      onkeydown: (event) => {
        if (event.key === "Enter" || event.key === "F2") this.begin(event, shape);
        if (event.key === "Delete" || event.key === "Backspace") {
          event.preventDefault();
          this.delete(shape.id);
          this.map.getContainer().focus();
        }
      },
    }, name);
    this.fill(shape, chip);
  }

  begin(event, shape) {
    event.preventDefault();
    event.stopPropagation();
    this.rename(shape);
  }

  fill(shape, element) {
    L.DomEvent.disableClickPropagation(element);
    shape.chip.getElement().replaceChildren(element);
  }

  rename(shape) {
    if (shape.naming) return;
    shape.naming = true;
    const input = h("input", { class: "ph-chip ph-naming", type: "text", maxlength: NAME_LENGTH, "aria-label": "Name of the region", size: 14 });
    input.value = shape.name;
    const finish = (keep, refocus) => {
      if (!shape.naming) return;
      shape.naming = false;
      const name = keep ? input.value.trim() || shape.name : shape.name;
      const changed = name !== shape.name;
      this.call(shape, name);
      if (refocus) shape.chip.getElement()?.querySelector("button")?.focus({ preventScroll: true });
      if (changed) this.commit();
    };
    input.addEventListener("keydown", (event) => {
      event.stopPropagation(); // letters are neither Streamlit's nor the map's shortcuts here
      if (event.key === "Enter") finish(true, true);
      if (event.key === "Escape") finish(false, true);
    });
    input.addEventListener("blur", () => finish(true, false));
    this.fill(shape, input);
    input.focus({ preventScroll: true });
    input.select();
  }
}
