/** The API's words at the desk: reports, complaints, and what is brought in. Days are written as 2026-05-01. */

import type { Geometry, LonLat } from "./types";

// Reports ---------------------------------------------------------------------------------------------------------------

export interface Column {
  name: string;
  label: string;
  unit: string;
  definition: string;
  counts_persons: boolean;
  group?: string;
}

export type Figures = Record<string, string | number | string[] | null | undefined>;
export type ReportRow = { ward_code: string; ward_name: string; population?: number | null; suppressed?: string[] } & Figures;

export interface NeedFound {
  need: string;
  title: string;
  kind: string;
  asset: string;
  asset_title: string;
  ward_code: string | null;
  report_back_on: string | null;
}

/** What the figures point at: each list is cut at 200, `more` counts what is left out of it. */
export interface Findings {
  needs_without_offers: NeedFound[];
  blocking_needs: NeedFound[];
  themes_without_projects: { ward_code: string; theme: string; ideas: number }[];
  unused_spaces: { asset: string; title: string; ward_code: string | null; use: string }[];
  strengths: { ward_code: string; theme: string; assets: number; times_average: number }[];
  area_wide: { asset: string; title: string; kind: string; area_code: string; area_name: string; level: string }[];
  more: Record<string, number>;
}

export interface WardReport {
  title: string;
  level: string;
  at: string;
  set: { name: string; illustrative: boolean } | null;
  columns: Column[];
  rows: ReportRow[];
  totals: Figures;
  since?: string | null;
  before?: { from: string; to: string; rows: Record<string, Figures>; totals: Figures } | null;
  findings?: Findings;
}

export interface BoundarySet {
  name: string;
  level: string;
  illustrative: boolean;
  valid_from: string | null;
  valid_to: string | null;
  attribution: string;
  areas: number;
  in_force: number;
  population: number | null;
}

export interface Progress {
  what?: string;
  done?: number;
  unit?: string;
  share?: number | null;
}

export interface ReportJob {
  uid: string;
  state: "waiting" | "working" | "done" | "failed" | "cancelled";
  progress: Progress | null;
  fault: string | null;
  format: string;
  name: string | null;
  size: number | null;
  expires_at: string | null;
  file: string | null;
  created_at: string;
}

// Moderation ------------------------------------------------------------------------------------------------------------

export interface DeskCounts {
  flags_open: number;
  hidden: number;
  pending: number;
  hidden_comments: number;
  pending_comments: number;
  unplaced: number;
  imports_waiting: number;
}

export interface FlagFound {
  uid: string;
  reason: string;
  text: string;
  state: "open" | "upheld" | "dismissed";
  created_at: string;
  asset: { uid: string; title: string; kind: string; state: string };
  comment: { uid: string; text: string; state: string } | null;
  link: string;
  decision: { at: string; by: string | null; why: string | null } | null;
  may: string[];
}

/** An asset, or a comment on it, that is hidden (by whom, when and why) or waits (whose it is, and since when). */
export interface OutOfSight {
  /** Of the asset. */
  uid: string;
  title: string;
  kind: string;
  state: "hidden" | "pending";
  comment: { uid: string; text: string } | null;
  link: string;
  reason: string | null;
  by: string | null;
  at: string;
}

// Imports ---------------------------------------------------------------------------------------------------------------

export type ImportState =
  | "waiting" | "previewing" | "previewed" | "bringing-in" | "done" | "failed" | "undoing" | "undone";

export interface Import {
  uid: string;
  state: ImportState;
  progress: Progress | null;
  fault: string | null;
  file_name: string;
  /** Null until it is found out. */
  kind: string | null;
  theme: string;
  source: string;
  key: string | null;
  map: Record<string, string>;
  crs: string | null;
  understood: string[];
  columns: { name: string; samples: string[]; field: string | null }[];
  fields: string[];
  counts: Record<string, number>;
  remarks: string[];
  created_at: string;
  by: string | null;
}

export interface ImportRow {
  id: number;
  line: number | null;
  is: string;
  title: string;
  reason: string;
  asset: string | null;
  lon: number | null;
  lat: number | null;
  before: Record<string, unknown> | null;
  after: Record<string, unknown> | null;
  /** A person may still give it a place. */
  waits: boolean;
}

/** Where rows would land: points, each with what would become of its row. */
export interface Landing {
  features: { geometry: Geometry | null; properties: { is: string; title?: string; line?: number } }[];
}

export interface Source {
  name: string;
  kind?: string;
  theme?: string;
}

export interface Postcode {
  postcode: string;
  coordinates: LonLat;
}
