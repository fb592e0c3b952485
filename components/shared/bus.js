// What components tell one another without Python: events on the window.
//   pharos:frame {layer, index, playing}   the timeline shows another frame; layer null means all frame layers; released: it has gone
//   pharos:hover {id}                      the pointer or the focus is on a hit, on the map or in the gallery; null: on none
//   pharos:pick  {id}                      a hit was picked; Python hears of it from the component where it happened
//   pharos:dock  {key, height}             a timeline floats over the lower edge of that map and hides so many pixels
//   pharos:sized {key}                     a map came or changed its size; what floats over it finds its place again
//   pharos:ready {layer, index, missing}   the timeline asks before it shows a frame; each frame layer that lacks it adds one to missing
//   pharos:loaded {layer, ready, total, whole, failed}  a frame layer has fetched more; failed: the shown frame can't be had
//   pharos:goto  {index}                   something else on the page, such as a chart, wants the timeline to show a frame
//   pharos:place {over, lon, lat}          a place on the map with that key was picked, by hand or by its coordinates
//   pharos:over  {over, lon, lat}          the pointer is there on the map with that key; null: it has left
//   pharos:look  {over, lon, lat}          the map with that key is to show a place
//   pharos:states {over, states}           what each mark of the map with that key is at the shown time: id → fog, obscured, clear, nodata

export const tell = (name, detail) => window.dispatchEvent(new CustomEvent(`pharos:${name}`, { detail }));

/** Listen; the answer stops it. */
export function hear(name, listener) {
  const wrapped = (event) => listener(event.detail ?? {});
  window.addEventListener(`pharos:${name}`, wrapped);
  return () => window.removeEventListener(`pharos:${name}`, wrapped);
}
