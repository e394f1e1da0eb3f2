/** Asking for the ward report. */

import { get } from "./client";
import type { Column, Figures, ReportRow, WardReport } from "./desk-types";

/** What is asked of a report; what is left out is the service's to choose. */
export interface Asked {
  areas: string[];
  level?: string;
  set?: string;
  /** Days, as 2026-05-01. */
  since?: string;
  at?: string;
}

export function queryOf({ areas, level, set, since, at }: Asked): Record<string, string> {
  const asked = { area: areas.join(","), level, set, since, at };
  return Object.fromEntries(Object.entries(asked).filter((entry): entry is [string, string] => !!entry[1]));
}

export const readReport = (asked: Asked, signal: AbortSignal): Promise<WardReport> =>
  get<WardReport>("/reports/wards", queryOf(asked), signal);

/** The figure if it may be shown, else null. */
export function valueIn(row: Figures, name: string): number | null {
  const value = row[name];
  const hidden = Array.isArray(row.suppressed) && row.suppressed.includes(name);
  return typeof value === "number" && !hidden ? value : null;
}

/** The same figure at the end of the period before; undefined where nothing is compared. */
export function before(report: WardReport, code: string | null, name: string): number | undefined {
  const old = code === null ? report.before?.totals : report.before?.rows[code];
  const value = old?.[name];
  return typeof value === "number" ? value : undefined;
}

/** The rows of areas, without what is area-wide and what lies in none. */
export const areaRows = (report: WardReport): ReportRow[] => report.rows.filter((row) => row.ward_code);

/** Names that more than one of these areas has: a country has fifty wards called Abbey. */
export function namesakes(rows: ReportRow[]): Set<string> {
  const [once, twice] = [new Set<string>(), new Set<string>()];
  for (const { ward_name: name } of rows) (once.has(name) ? twice : once).add(name);
  return twice;
}

/** The columns under their groups, in the order of the report. */
export function grouped(columns: Column[]): Map<string, Column[]> {
  const groups = new Map<string, Column[]>();
  for (const column of columns) {
    const group = column.group ?? "assets";
    groups.set(group, [...(groups.get(group) ?? []), column]);
  }
  return groups;
}

/** The day that lies so many days before today. */
export function daysAgo(days: number, now = new Date()): string {
  const then = new Date(now.getTime() - days * 86_400_000);
  return then.toISOString().slice(0, 10);
}
