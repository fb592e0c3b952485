// What lies on the map's corners: tools, legend, badge, scale, read-out, attribution.

import { h, icon, plain } from "../shared/dom.js";

const ICONS = {
  in: "M10 4v12M4 10h12",
  out: "M4 10h12",
  rectangle: "M3.5 5.5h13v9h-13z",
  polygon: "M10 3l6.5 5-2.5 8.5H6L3.5 8z",
  edit: "M4 16l.8-3.4L13.2 4.2a1.4 1.4 0 0 1 2 0l.6.6a1.4 1.4 0 0 1 0 2L7.4 15.2zM11.6 5.8l2.6 2.6",
  delete: "M4 6h12M8 6V4h4v2M5.5 6l.8 10.5h7.4L14.5 6M8.5 9v5M11.5 9v5",
  home: "M3.5 10L10 4l6.5 6M5.5 8.5V16h3.2v-4h2.6v4h3.2V8.5",
};

const HINTS = {
  rectangle: "Drag from corner to corner · Esc cancels",
  polygon: "Click the corners, the first one again to finish · Esc cancels",
  edit: "Drag corners or the inside; a right click removes a corner · Esc ends",
  delete: "Click a region to delete it · Esc ends",
};

/** The column of tools. `act` is told the tool's key. */
export function tools(act, editable) {
  const button = (key, name, mode) =>
    h("button", { type: "button", class: "ph-tool", "data-tool": key, title: name, "aria-label": name, "aria-pressed": mode ? "false" : undefined, onclick: () => act(key) }, icon(ICONS[key]));
  const bar = h("div", { class: "ph-tools", role: "toolbar", "aria-orientation": "vertical", "aria-label": "Map tools" }, button("in", "Zoom in"), button("out", "Zoom out"));
  if (editable) {
    bar.append(
      button("rectangle", "Draw a rectangle", true),
      button("polygon", "Draw a polygon", true),
      button("edit", "Edit regions", true),
      button("delete", "Delete regions", true),
    );
  }
  bar.append(button("home", "Show everything"));
  bar.addEventListener("keydown", (event) => {
    const all = [...bar.querySelectorAll("button:not(:disabled)")];
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    event.stopPropagation();
    all[(all.indexOf(document.activeElement) + step + all.length) % all.length].focus();
  });
  return {
    element: bar,
    show(mode, regions) {
      for (const tool of bar.querySelectorAll("[aria-pressed]")) {
        tool.setAttribute("aria-pressed", String(tool.dataset.tool === mode));
        if (["edit", "delete"].includes(tool.dataset.tool)) tool.disabled = regions === 0;
      }
    },
  };
}

const length = (metres) => (metres < 1000 ? `${Math.round(metres)}\u2009m` : `${(metres / 1000).toPrecision(3)}\u2009km`);

/** One line that says what the tool in hand waits for. */
export function hint() {
  const element = h("div", { class: "ph-hint", role: "status" });
  return {
    element,
    show: (mode) => {
      element.textContent = HINTS[mode] ?? "";
      element.hidden = !HINTS[mode];
    },
    measure: (width, height) => {
      element.textContent = `${length(width)} × ${length(height)}`;
    },
  };
}

const RAMPS = { viridis: "var(--ph-viridis)", fog: "var(--ph-fog)" };

function swatch({ kind, label, colour }) {
  const box = h("span", { class: `ph-swatch ph-swatch-${kind}` });
  if (colour) box.style.setProperty("--ph-swatch", colour);
  return h("li", {}, box, label);
}

/** Words under the ramp: spread evenly, or each where its value is. */
function ticks({ ticks: words, places }) {
  if (!words.length) return null;
  const last = words.length - 1;
  const shift = (place) => ({ left: `${100 * place}%`, transform: `translateX(${place < 0.08 ? 0 : place > 0.92 ? -100 : -50}%)` });
  const placed = places?.length === words.length && last > 0;
  return h("div", { class: placed ? "ph-ticks ph-ticks-placed" : "ph-ticks" }, ...words.map((word, order) => h("span", { style: placed ? shift(places[order]) : {} }, word)));
}

/** A card top right that explains the colours; the colours of `ramp` are a name or a list. */
export function legend(spec, open = true) {
  const ramp = RAMPS[spec.ramp] ?? (spec.ramp.length ? `linear-gradient(90deg, ${spec.ramp.join(", ")})` : null);
  return h(
    "details",
    { class: "ph-legend", "aria-label": "Legend", role: "group", open },
    h("summary", { class: "ph-legend-title" }, h("strong", {}, spec.title), spec.unit ? ` ${spec.unit}` : ""),
    ramp ? h("div", { class: "ph-ramp", style: { backgroundImage: ramp } }) : null,
    ticks(spec),
    spec.swatches.length ? h("ul", { class: "ph-swatches" }, ...spec.swatches.map(swatch)) : null,
  );
}

export function credits(texts) {
  return [...new Set(texts.map(plain))].filter(Boolean).join(" · ");
}

/** Where the pointer is, in words. */
export function position({ lat, lng }) {
  const lon = ((((lng + 180) % 360) + 360) % 360) - 180;
  const side = (value, positive, negative) => `${Math.abs(value).toFixed(4)}° ${value >= 0 ? positive : negative}`;
  return `${side(lat, "N", "S")}  ${side(lon, "E", "W")}`;
}
