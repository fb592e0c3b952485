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
    this.floor = 0; // pixels at the lower edge that something else covers
    this.placed = false; // the view is where it was last told to be, and nobody has moved it since
    map.on("moveend", () => {
      if (!this.placing) this.placed = false;
      this.keep();
    });
  }

  /** Look without that being taken for the person's own move. */
  look(centre, zoom) {
    this.placing = true;
    this.map.setView(centre, zoom, { animate: false });
    this.placing = false;
  }

  /** Something covers the lower edge; a view that nobody has moved makes room. */
  covered(height) {
    if (height === this.floor) return;
    this.floor = height;
    if (this.placed && this.last) this.goto(this.last);
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
    this.last = camera;
    this.placed = true;
    if (camera?.bounds) this.fit(camera.bounds, camera.fill);
    else if (camera?.centre) this.look([camera.centre[1], camera.centre[0]], camera.zoom ?? 8);
    else this.fit([-150, -56, 170, 72], false);
  }

  fit([west, south, east, north], fill) {
    const bounds = L.latLngBounds([south, west], [north, west > east ? east + 360 : east]);
    const room = fill ? L.point(0, 0) : L.point(24, 24 + this.floor);
    const zoom = this.map.getBoundsZoom(bounds, Boolean(fill), room);
    const centre = this.map.project(bounds.getCenter(), zoom).add([0, fill ? 0 : this.floor / 2]);
    this.look(this.map.unproject(centre, zoom), zoom);
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
