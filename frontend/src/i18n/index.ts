/** The interface's words. Keys are typed; numbers choose between one and other. */

import type { desk } from "./desk";
import { en } from "./en";

export type Word = keyof typeof en | keyof typeof desk;
type Form = string | { one: string; other: string };

const known: Record<string, Form> = { ...en };

/** Know these words too: those of a part of the page that only some people open are fetched with it. */
export function learn(words: Partial<Record<Word, Form>>): void {
  Object.assign(known, words);
}

const rules = new Intl.PluralRules("en-GB");

/** The words for a key. `{name}` is replaced by the value of that name; `n` also chooses the plural form. */
export function t(key: Word, values: Record<string, string | number> = {}): string {
  const form = known[key] ?? key;
  const text = typeof form === "string" ? form : form[rules.select(Number(values.n)) === "one" ? "one" : "other"];
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => {
    const value = values[name];
    return value === undefined ? whole : typeof value === "number" ? number(value) : value;
  });
}

/** The words for a value out of a list such as states, or the value itself when it has none. */
export function label(group: string, value: string): string {
  const key = `${group}.${value}`;
  return key in known ? t(key as Word) : value;
}

export const number = (value: number): string => value.toLocaleString("en-GB", { maximumFractionDigits: 1 });

const DAY = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "long", year: "numeric" });
const SHORT_DAY = new Intl.DateTimeFormat("en-GB", { weekday: "short", day: "numeric", month: "short" });
const TIME = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });

export const day = (instant: string): string => DAY.format(new Date(instant));
export const time = (instant: string): string => TIME.format(new Date(instant));

/** "Sat 2 Mar, 10:00 to 13:00", or both days when it takes longer. The year is said when it is not this one. */
export function span(from: string, to: string | null, now: Date = new Date()): string {
  const date = (text: string): string => {
    const year = new Date(text).getFullYear();
    return SHORT_DAY.format(new Date(text)) + (year === now.getFullYear() ? "" : ` ${year}`);
  };
  const start = `${date(from)}, ${time(from)}`;
  if (!to) return start;
  return t("time.span", { from: start, to: date(from) === date(to) ? time(to) : `${date(to)}, ${time(to)}` });
}

/** "just now", "3 hours ago", "12 days ago", then the date. */
export function ago(instant: string, now: Date = new Date()): string {
  const minutes = Math.round((now.getTime() - new Date(instant).getTime()) / 60_000);
  if (minutes < 2) return t("time.now");
  if (minutes < 60) return t("time.minutes", { n: minutes });
  if (minutes < 60 * 24) return t("time.hours", { n: Math.round(minutes / 60) });
  if (minutes < 60 * 24 * 28) return t("time.days", { n: Math.round(minutes / 60 / 24) });
  return day(instant);
}

/** "350 m", "2.4 km". */
export const metres = (value: number): string =>
  value < 1000 ? t("distance.m", { n: Math.round(value / 10) * 10 }) : t("distance.km", { n: value / 1000 });
