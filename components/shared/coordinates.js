// Places as people write and read them.

const THIN = "\u2009";
const SIDES = { n: ["lat", 1], s: ["lat", -1], e: ["lon", 1], o: ["lon", 1], w: ["lon", -1] };
const NUMBER = /([+\-−]?)\s*(\d+(?:[.,]\d+)?)\s*°?\s*([nseow]?)/gi;

/** Longitude from −180° to 180°. */
export const wrapped = (lon) => (Math.abs(lon) <= 180 ? lon : ((((lon + 180) % 360) + 360) % 360) - 180);

const side = (value, positive, negative, digits) => `${Math.abs(value).toFixed(digits)}°${THIN}${value >= 0 ? positive : negative}`;

/** “22.41° S 12.08° E”. */
export const placed = ({ lon, lat }, digits = 2) => `${side(lat, "N", "S", digits)} ${side(wrapped(lon), "E", "W", digits)}`;

/** The place in “22.41 S, 12.08 E” or “−22.41, 12.08” (latitude first), or null. */
export function parsed(text) {
  const found = [...text.replace(/(\d),(\d)/g, (whole, before, after) => (/,\s/.test(text) || /[nseow]/i.test(text) ? `${before}.${after}` : whole.replace(",", " , "))).matchAll(NUMBER)];
  if (found.length !== 2) return null;
  const place = {};
  found.forEach(([, sign, digits, letter], order) => {
    const [axis, way] = SIDES[letter.toLowerCase()] ?? [order ? "lon" : "lat", 1];
    place[axis] = Number(digits.replace(",", ".")) * way * (sign && sign !== "+" ? -1 : 1);
  });
  const { lon, lat } = place;
  if (!Number.isFinite(lon) || !Number.isFinite(lat) || Math.abs(lat) > 90 || Math.abs(lon) > 540) return null;
  return { lon: wrapped(lon), lat };
}

/** Whether a place lies in a box; the east of one across the antimeridian is less than its west. */
export function inside([west, south, east, north], { lon, lat }) {
  const width = (((east - west) % 360) + 360) % 360 || 360;
  return lat >= south && lat <= north && (((lon - west) % 360) + 360) % 360 <= width;
}
