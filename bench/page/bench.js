/** What the pages of the bench share: a Leaflet map that stands where the address says (at=zoom/latitude/longitude). */

const asked = new URLSearchParams(location.search);

const number = (name, otherwise) => Number(asked.get(name) ?? otherwise);

/** A map with the page's own options. */
export function mapAt(options = {}) {
  const [zoom, lat, lng] = (asked.get("at") ?? "10/51.5/-0.12").split("/").map(Number);
  const map = L.map("map-box", { zoomControl: false, attributionControl: false, fadeAnimation: false, maxZoom: 19, ...options });
  map.setView([lat, lng], zoom);
  return { map, number };
}

/** The address of the tiles under test. */
export const tiles = () => asked.get("tiles");

/** The same numbers between 0 and 1 in every run (mulberry32). */
export function random(seed) {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}
