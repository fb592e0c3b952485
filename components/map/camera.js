// Where the map looks. The person's last view is kept for the tab, so reruns, page changes and reloads find it again; Python
// moves the map only with a new token.

const shelf = (key) => `pharos:camera:${key}`;

function stored(key) {
  try {
    return JSON.parse(sessionStorage.getItem(shelf(key))) ?? {};
  } catch {
    return {}; // storage forbidden, or not ours
  }
}

export class Camera {
  constructor(map, key) {
    this.map = map;
    this.key = key;
    this.home = null;
    this.token = null;
    map.on("moveend", () => this.keep());
  }

  /** Point the map as told, unless the person has already looked elsewhere since the same token. */
  follow(camera) {
    this.home = camera?.home ?? null;
    const token = camera?.token ?? "";
    if (token === this.token) return;
    this.waiting = this.map.getSize().x === 0 ? camera : undefined; // in a closed tab: there is nothing to fit into yet
    if (this.waiting !== undefined) return void (this.token ?? this.map.setView([0, 0], 2, { animate: false }));
    const before = this.token === null ? stored(this.key) : {};
    this.token = token;
    if (before.token === token && Number.isFinite(before.zoom)) this.map.setView([before.lat, before.lon], before.zoom, { animate: false });
    else this.goto(camera);
    this.keep();
  }

  /** The map has a size now. */
  sized() {
    if (this.waiting !== undefined) this.follow(this.waiting);
  }

  goto(camera) {
    if (camera?.bounds) this.fit(camera.bounds, camera.fill);
    else if (camera?.centre) this.map.setView([camera.centre[1], camera.centre[0]], camera.zoom ?? 8, { animate: false });
    else this.fit([-150, -56, 170, 72], false);
  }

  fit([west, south, east, north], fill) {
    const bounds = L.latLngBounds([south, west], [north, west > east ? east + 360 : east]);
    const zoom = this.map.getBoundsZoom(bounds, Boolean(fill), L.point(fill ? 0 : 24, fill ? 0 : 24));
    this.map.setView(bounds.getCenter(), zoom, { animate: false });
  }

  goHome() {
    this.goto(this.home ?? {});
  }

  keep() {
    if (this.token === null) return;
    const { lat, lng } = this.map.getCenter();
    try {
      sessionStorage.setItem(shelf(this.key), JSON.stringify({ token: this.token, lat, lon: lng, zoom: this.map.getZoom() }));
    } catch {
      // storage forbidden: the view is then lost with the page
    }
  }
}
