/** What the whole page knows: the service's words, who is here, and the filters, which live in the URL. */

import { call, get } from "./api/client";
import type { AreaRef, Asset, Box, Items, Kind, LonLat, Me, Settings, Theme } from "./api/types";

// Filters -------------------------------------------------------------------------------------------------------------

/** What the list and the map show. An empty list means any. */
export interface Filters {
  kind: string[];
  theme: string[];
  ward: string[];
  stage: string[];
  q: string;
  /** A fixed piece of the map, as one spot that holds several pins. */
  bbox: Box | null;
  /** Only what the map shows now. */
  here: boolean;
  /** Nearest first, from a place known to about 100 m. */
  near: LonLat | null;
  sort: "new" | "appreciated" | "title";
}

export const NO_FILTERS: Filters = {
  kind: [], theme: [], ward: [], stage: [], q: "", bbox: null, here: false, near: null, sort: "new",
};

const LISTS = ["kind", "theme", "ward", "stage"] as const;

/** The filters that a query string names. What cannot be read is left out. */
export function readFilters(query: URLSearchParams): Filters {
  const list = (name: string): string[] => query.get(name)?.split(",").filter(Boolean) ?? [];
  const sort = query.get("sort");
  const bbox = numbers(query.get("bbox"), 4) as Box | null;
  return {
    kind: list("kind"),
    theme: list("theme"),
    ward: list("ward"),
    stage: list("stage"),
    q: query.get("q") ?? "",
    bbox,
    here: query.get("here") === "1" && !bbox,
    near: numbers(query.get("near"), 2) as LonLat | null,
    sort: sort === "appreciated" || sort === "title" ? sort : "new",
  };
}

/** The same filters as a query string; `at` (the map's position) is carried over from the old one. */
export function writeFilters(filters: Filters, old?: URLSearchParams): URLSearchParams {
  const query = new URLSearchParams();
  for (const name of LISTS) if (filters[name].length) query.set(name, filters[name].join(","));
  if (filters.q) query.set("q", filters.q);
  if (filters.bbox) query.set("bbox", filters.bbox.join(","));
  if (filters.here) query.set("here", "1");
  if (filters.near) query.set("near", filters.near.join(","));
  if (filters.sort !== "new") query.set("sort", filters.sort);
  const at = old?.get("at");
  if (at) query.set("at", at);
  return query;
}

/** What to ask of GET /assets. `view` is what the map shows, if it is known. */
export function listQuery(filters: Filters, view: Box | null): Record<string, string> {
  const query = tileQuery(filters);
  const box = filters.bbox ?? (filters.here ? view : null);
  if (box) query.bbox = box.map((value) => value.toFixed(6)).join(",");
  if (filters.near) {
    query.near = filters.near.join(",");
    query.within = "50000";
    query.sort = "near";
  } else if (filters.sort !== "new") query.sort = filters.sort;
  return query;
}

/** What to ask of the tiles: the filters that change which pins there are, not where one looks. */
export function tileQuery(filters: Filters): Record<string, string> {
  const query: Record<string, string> = {};
  for (const name of LISTS) if (filters[name].length) query[name] = filters[name].join(",");
  if (filters.q.trim()) query.q = filters.q.trim();
  return query;
}

/** True when something is left out of the list. */
export const isFiltered = (filters: Filters): boolean =>
  LISTS.some((name) => filters[name].length > 0) || filters.q.trim() !== "" || filters.bbox !== null || filters.here;

function numbers(text: string | null, count: number): number[] | null {
  const parts = text?.split(",").map(Number) ?? [];
  return parts.length === count && parts.every(Number.isFinite) ? parts : null;
}

/** Where the map stands, as the URL says it: zoom/latitude/longitude. */
export interface Position {
  zoom: number;
  centre: LonLat;
}

export function readPosition(query: URLSearchParams): Position | null {
  const parts = query.get("at")?.split("/").map(Number) ?? [];
  const [zoom, lat, lon] = parts;
  if (zoom === undefined || lat === undefined || lon === undefined || !parts.every(Number.isFinite)) return null;
  return Math.abs(lat) <= 85.05 && Math.abs(lon) <= 180 ? { zoom, centre: [lon, lat] } : null;
}

export const writePosition = ({ zoom, centre }: Position): string =>
  `${zoom}/${centre[1].toFixed(5)}/${centre[0].toFixed(5)}`;

// What the service says of itself, and who is here ----------------------------------------------------------------------

export interface World {
  settings: Settings;
  kinds: Kind[];
  themes: Theme[];
  viewer: Me | null;
}

export const world: World = {
  settings: {
    title: "Civic Crowd Map", tile_url: null, tile_attribution: "", licence: "", attribution: "",
    demo: false, illustrative: false, postcodes: false, bounds: null,
  },
  kinds: [],
  themes: [],
  viewer: null,
};

/** Ask the service for its words and for who is here. Rejects when the service does not answer. */
export async function load(): Promise<void> {
  const [settings, kinds, themes] = await Promise.all([
    get<Settings>("/settings"),
    get<Items<Kind>>("/kinds"),
    get<Items<Theme>>("/themes"),
    // The service wrote into the page whether it brought a session; a visitor need not be refused to know.
    import.meta.env.DEV || document.querySelector('meta[name="session"]') ? loadViewer() : null,
  ]);
  Object.assign(world, { settings, kinds: kinds.items, themes: themes.items });
}

/** Ask again who is here; a visitor is null. */
export async function loadViewer(): Promise<Me | null> {
  const me = await call<Me>("GET", "/me").then(
    (reply) => reply.data,
    () => null,
  );
  setViewer(me);
  return me;
}

export function setViewer(viewer: Me | null): void {
  const changed = world.viewer?.uid !== viewer?.uid || world.viewer?.name !== viewer?.name;
  world.viewer = viewer;
  if (changed) events.tell("viewer", viewer);
}

/** The kind of that name; a name we do not know still gets a mark and a word. */
export function kindOf(name: string): Kind {
  return world.kinds.find((kind) => kind.name === name) ?? unknownKind(name);
}

const unknownKind = (name: string): Kind => ({
  name, plural: name, label: name, label_plural: name, call: name, hint: "", icon: "map-pin", shape: "circle",
  colour: "#555555", geometries: ["Point"], location_class: "place", location_classes: ["place"], stages: [],
  default_stage: "active", takes_proposals: false, fields: [],
});

export const themeLabel = (name: string): string => world.themes.find((theme) => theme.name === name)?.label ?? name;

/** The areas that somebody looks after or reads for, as an officer or a councillor. */
export const myAreas = (me: Me | null): AreaRef[] => me?.areas ?? me?.officer_areas ?? [];

/** True for the operator and for officers of any area. */
export const isOfficer = (me: Me | null): boolean => !!me && (me.role === "operator" || me.officer_areas.length > 0);

// Events ----------------------------------------------------------------------------------------------------------------

interface Events {
  /** Somebody signed in or out, or changed their name. */
  viewer: Me | null;
  /** An asset was published, changed or hidden from this page. */
  changed: Asset | null;
  /** The tiles brought something new: somebody else changed the map. */
  news: undefined;
  /** The map came to rest on this box. */
  moved: Box;
  /** Colours changed between light, dark and high contrast. */
  scheme: undefined;
}

class Emitter<E> {
  private readonly listeners = new Map<keyof E, Set<(value: never) => void>>();

  /** Listen; the answer stops listening. */
  on<K extends keyof E>(name: K, listener: (value: E[K]) => void): () => void {
    const set = this.listeners.get(name) ?? new Set();
    this.listeners.set(name, set.add(listener));
    return () => set.delete(listener);
  }

  tell<K extends keyof E>(name: K, value: E[K]): void {
    for (const listener of [...(this.listeners.get(name) ?? [])]) (listener as (value: E[K]) => void)(value);
  }
}

export const events = new Emitter<Events>();
