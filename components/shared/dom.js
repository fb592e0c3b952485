// What every component needs of the page: elements without innerHTML, styles and scripts loaded once, the theme.

/** An element. Text goes in as text, so nothing that comes from data can become markup. */
export function h(tag, properties = {}, ...children) {
  const element = tag === "svg" || tag === "path" ? document.createElementNS("http://www.w3.org/2000/svg", tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "style") Object.assign(element.style, value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

/** A line icon on a 20 × 20 grid; the button around it carries the name. */
export function icon(path, { fill = "none" } = {}) {
  const line = h("path", { d: path, fill, stroke: "currentColor", "stroke-width": 1.6, "stroke-linecap": "round", "stroke-linejoin": "round" });
  return h("svg", { viewBox: "0 0 20 20", width: 18, height: 18, "aria-hidden": "true", focusable: "false" }, line);
}

const loading = new Map(); // address → promise

function once(address, start) {
  if (!loading.has(address)) {
    loading.set(
      address,
      new Promise((resolve, reject) => {
        const element = start();
        element.onload = () => resolve();
        element.onerror = () => {
          loading.delete(address);
          element.remove();
          reject(new Error(`${new URL(address, location.origin).pathname} can't be fetched. “make run” brings missing libraries; if Pharos was stopped, start it again.`));
        };
        document.head.append(element);
      }),
    );
  }
  return loading.get(address);
}

/** Load a style sheet into the page, once; resolves when it applies. */
export const useStyle = (address) => once(address, () => h("link", { rel: "stylesheet", href: address }));

/** Load a classic script into the page, once; resolves when it has run. */
export const useScript = (address) => once(address, () => h("script", { src: address }));

/** Tell an element's styles whether Streamlit shows its light or its dark theme. */
export function followTheme(element) {
  const paper = getComputedStyle(element).getPropertyValue("--st-background-color").trim();
  const probe = h("span", { style: { color: paper || "#fff", display: "none" } });
  element.append(probe);
  const [red, green, blue] = (getComputedStyle(probe).color.match(/[\d.]+/g) ?? [255, 255, 255]).map(Number);
  probe.remove();
  const dark = 0.299 * red + 0.587 * green + 0.114 * blue < 128;
  element.dataset.theme = dark ? "dark" : "light";
  return dark;
}

/** The words of a text that may hold markup (attributions of basemaps do); nothing in it runs or loads. */
export const plain = (text) => new DOMParser().parseFromString(text, "text/html").body.textContent.trim();

export const calm = () => matchMedia("(prefers-reduced-motion: reduce)").matches;
