// What components tell one another without Python: events on the window.
//   pharos:frame {layer, index, playing}   the timeline shows another frame; layer null means all frame layers; released: it has gone
//   pharos:hover {id}                      the pointer or the focus is on a hit, on the map or in the gallery; null: on none
//   pharos:pick  {id}                      a hit was picked; Python hears of it from the component where it happened
//   pharos:dock  {key, height}             a timeline floats over the lower edge of that map and hides so many pixels
//   pharos:sized {key}                     a map came or changed its size; what floats over it finds its place again

export const tell = (name, detail) => window.dispatchEvent(new CustomEvent(`pharos:${name}`, { detail }));

/** Listen; the answer stops it. */
export function hear(name, listener) {
  const wrapped = (event) => listener(event.detail ?? {});
  window.addEventListener(`pharos:${name}`, wrapped);
  return () => window.removeEventListener(`pharos:${name}`, wrapped);
}
