/** The API's words as this page reads and writes them. Coordinates are longitude, latitude (WGS 84); times RFC 3339. */

export type LonLat = [number, number];
/** West, south, east, north. */
export type Box = [number, number, number, number];

export type Geometry =
  | { type: "Point"; coordinates: LonLat }
  | { type: "LineString"; coordinates: LonLat[] }
  | { type: "MultiLineString"; coordinates: LonLat[][] }
  | { type: "Polygon"; coordinates: LonLat[][] }
  | { type: "MultiPolygon"; coordinates: LonLat[][][] };
export type GeometryType = Geometry["type"];

export type State = "draft" | "pending" | "published" | "hidden" | "withdrawn" | "removed";
export type LocationClass = "place" | "person" | "shielded";

export interface Option {
  value: string;
  label: string;
}

/** A field of a kind's details, or of any form that the page draws. */
export interface Field {
  name: string;
  label: string;
  hint?: string | null;
  type: "text" | "long-text" | "integer" | "number" | "boolean" | "choice" | "url" | "email" | "date" | "date-time";
  required?: boolean;
  default?: unknown;
  max_length?: number | null;
  minimum?: number | null;
  maximum?: number | null;
  options?: Option[] | null;
}

export interface Kind {
  name: string;
  plural: string;
  label: string;
  label_plural: string;
  call: string;
  hint: string;
  icon: string;
  shape: string;
  colour: string;
  geometries: GeometryType[];
  location_class: LocationClass;
  location_classes: LocationClass[];
  stages: Option[];
  default_stage: string;
  takes_proposals: boolean;
  fields: Field[];
}

export interface Theme {
  name: string;
  label: string;
}

export interface Settings {
  title: string;
  tile_url: string | null;
  tile_attribution: string;
  licence: string;
  attribution: string;
  demo: boolean;
  illustrative: boolean;
  postcodes: boolean;
  bounds: Box | null;
}

export interface PersonRef {
  uid: string;
  name: string;
}

export interface AreaRef {
  code: string;
  name: string;
  level?: string;
}

export interface AssetProperties {
  kind: string;
  title: string;
  summary: string;
  body: string;
  body_html?: string;
  theme: string;
  state: State;
  stage: string;
  audience: "public" | "members";
  community: PersonRef | null;
  owner: PersonRef | null;
  organiser: string;
  website: string | null;
  licence: string | null;
  attribution: string | null;
  details: Record<string, unknown>;
  location_class: LocationClass;
  anchor: LonLat | null;
  ward: AreaRef | null;
  area: AreaRef | null;
  starts_at: string | null;
  ends_at: string | null;
  published_at: string | null;
  ended_at: string | null;
  created_at: string;
  updated_at: string;
  version: number;
  via: string;
  appreciations: number;
  counts?: { comments: number; open_needs: number; proposals: number; updates: number };
  appreciated?: boolean;
  may?: string[];
  distance_m?: number;
}

export interface Asset {
  type: "Feature";
  id: string;
  geometry: Geometry | null;
  properties: AssetProperties;
}

export interface AssetList {
  features: Asset[];
  links: { rel: string; href: string }[];
  numberReturned: number;
  numberMatched: number | null;
}

/** How many match, by kind, theme and ward; `approximate`: each number is the least that it can be. */
export interface Facets {
  kind: Record<string, number>;
  theme: Record<string, number>;
  /** The fullest 200, fullest first. */
  ward: Record<string, number>;
  matched: number;
  approximate: boolean;
}

export interface Items<T> {
  items: T[];
  next: string | null;
}

interface Contribution {
  uid: string;
  asset: string;
  created_at: string;
  updated_at: string;
  version: number;
  may: string[];
}

export interface Comment extends Contribution {
  reply_to: string | null;
  author: PersonRef | null;
  text: string;
  text_html: string;
  state: State;
}

export interface Need extends Contribution {
  kind: string;
  title: string;
  text: string;
  quantity: number;
  met: number;
  state: "open" | "met" | "closed";
  blocking: boolean;
  report_back_on: string | null;
}

export interface Proposal extends Contribution {
  proposer: PersonRef | null;
  title: string;
  text: string;
  places: number | null;
  full: boolean;
  pledged: number | null;
  happens_on: string | null;
  state: "proposed" | "accepted" | "declined" | "done" | "withdrawn";
  my_pledge: Pledge | null;
}

export interface Pledge {
  uid: string;
  proposal: string;
  person: PersonRef | null;
  hours_promised: number;
  hours_given: number | null;
  message: string;
  state: "pledged" | "confirmed" | "fulfilled" | "missed" | "withdrawn";
  created_at: string;
  may: string[];
}

export interface Update extends Contribution {
  author: PersonRef | null;
  text: string;
  text_html: string;
}

export interface Link {
  uid: string;
  kind: string;
  state: "asked" | "agreed" | "declined";
  from: { uid: string; title: string; kind: string };
  to: { uid: string; title: string; kind: string };
  created_at: string;
  may: string[];
}

export interface Me {
  uid: string;
  name: string;
  email: string | null;
  about?: string | null;
  role: "resident" | "operator";
  officer_areas: AreaRef[];
  /** Those of an officer, and those that a councillor reads. */
  areas?: (AreaRef & { role: "officer" | "councillor" })[];
  communities: { uid: string; name: string; role: string }[];
  created_at: string;
}

export interface Key {
  uid: string;
  name: string;
  scopes: string[];
  created_at: string;
  expires_at: string | null;
  last_used_at?: string | null;
  key?: string;
}

export interface Area {
  code: string;
  name: string;
  level: string;
  parent: string | null;
  population: number | null;
  set: { name: string; illustrative: boolean; valid_from: string | null; attribution: string | null };
  bbox: Box;
  centre: LonLat;
}

export interface AreaShapes {
  type: "FeatureCollection";
  features: { type: "Feature"; geometry: Geometry; properties: Area }[];
}
