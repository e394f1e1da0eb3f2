/** Explore: the list beside the map, with the same filters. */

import { html, nothing, render, type TemplateResult } from "lit-html";
import { live } from "lit-html/directives/live.js";
import { aborted, get, words } from "../api/client";
import type { Asset, AssetList, Box, Facets, LonLat } from "../api/types";
import { t } from "../i18n";
import { theMap } from "../map/handle";
import { icon } from "../parts/icon";
import { mark, tint } from "../parts/mark";
import { row } from "../parts/row";
import { setSheet } from "../parts/sheet";
import { toast } from "../parts/toast";
import { go, keepQuery, note, type Route, route } from "../router";
import {
  events, type Filters, isFiltered, kindOf, listQuery, NO_FILTERS, readFilters, tileQuery, world, writeFilters,
} from "../state";
import { emptyView } from "./explore-empty";
import { appliedView, type FiltersOptions, filtersView } from "./explore-filters";
import { counted, Wards } from "./explore-wards";
import { paced } from "./pace";

const PAGE = 50;
/** The most rows that a silent refresh asks for again. */
const MOST = 200;
/** News of others refresh the list at once so many times, then once in so many milliseconds. */
const NEWS_AT_ONCE = 3;
const NEWS_APART_MS = 15_000;

let host: HTMLElement;
let filters: Filters = NO_FILTERS;
let view: Box | null = null;
let facets: Facets | null = null;
/** The questions that the facets and the rows answer, and the one asked last. */
let countedFor: string | null = null;
let answered: string | null = null;
let asked: string | null = null;
let rows: Asset[] = [];
let matched: number | null = null;
let next: string | null = null;
let problem = "";
let asking: AbortController | null = null;
let paging: AbortController | null = null;
let started = false;
let unfolded = false;

/** Show the list for the filters of this route; called again whenever they change. */
export function enter(now: Route, into: HTMLElement): void {
  host = into;
  filters = readFilters(now.query);
  if (now.name === "explore") document.title = t("title.page", { page: t("nav.map"), title: world.settings.title });
  if (!started) begin();
  void theMap().then((map) => map.filter(tileQuery(filters), filters.ward));
  draw();
  void wards.learn(filters.ward);
  void load();
}

const wards = new Wards({
  choose: (code) => change({ ward: [...new Set([...filters.ward, code])] }),
  redraw: () => draw(),
});

function begin(): void {
  started = true;
  void theMap().then((map) => {
    view = map.view;
    if (filters.here) void load();
  });
  events.on("moved", (box) => {
    view = box;
    if (filters.here) void load();
  });
  const again = (): void => void load(true);
  events.on("news", paced(again, NEWS_AT_ONCE, NEWS_APART_MS));
  events.on("changed", () => {
    again();
    void theMap().then((map) => map.refresh());
  });
  events.on("viewer", again);
  render(locateView(), document.getElementById("map-tools") ?? document.createElement("div"));
}

/** Ask for the first page if the question changed, or for the rows shown again when something may have changed. The
 *  latter is silent: where it fails, what is shown stays. */
async function load(again = false): Promise<void> {
  const query = listQuery(filters, view);
  const question = new URLSearchParams(query).toString();
  if (question === asked && !again) return;
  const silent = question === asked && question === answered && !problem;
  const limit = silent ? Math.min(Math.max(rows.length, PAGE), MOST) : PAGE;
  asked = question;
  asking?.abort();
  if (!silent) paging?.abort();
  if (!silent) draw(); // the counts of before are not those of this question
  const { signal } = (asking = new AbortController());
  void count(query, question, signal);
  try {
    const list = await get<AssetList>("/assets", { ...query, limit: String(limit) }, signal);
    if (silent) renew(list, limit);
    else take(list, []);
    answered = question;
  } catch (error) {
    if (!aborted(error) && !silent) problem = words(error);
  }
  draw();
}

/** How many there are of each kind, theme and ward. The list does not wait for it, and does without. */
async function count(query: Record<string, string>, question: string, signal: AbortSignal): Promise<void> {
  const unsorted = new URLSearchParams(query);
  unsorted.delete("sort");
  const found = await get<Facets>("/assets/facets", unsorted, signal).catch(() => null);
  if (signal.aborted || (!found && countedFor === question)) return;
  [facets, countedFor] = [found, question];
  draw();
}

async function more(): Promise<void> {
  if (!next) return;
  const first = rows.length;
  paging?.abort();
  const { signal } = (paging = new AbortController());
  try {
    const list = await get<AssetList>(next, undefined, signal);
    take(list, rows);
  } catch (error) {
    if (aborted(error)) return; // other filters by now
    problem = words(error);
  }
  draw();
  host.querySelectorAll<HTMLElement>(".row__title")[first]?.focus();
}

function take(list: AssetList, before: Asset[]): void {
  const known = new Set(before.map((asset) => asset.id));
  rows = [...before, ...list.features.filter((asset) => !known.has(asset.id))];
  matched = list.numberMatched ?? (before.length ? matched : null);
  next = list.links.find((link) => link.rel === "next")?.href ?? null;
  problem = "";
}

/** Put the answer in place of the rows it was asked for; those further down stay. */
function renew(list: AssetList, limit: number): void {
  const last = list.features.at(-1)?.id;
  const seam = rows.findIndex((asset) => asset.id === last);
  const beyond = rows.length > limit ? rows.slice(seam < 0 ? limit : seam + 1) : [];
  const from = next;
  take(list, []);
  if (!next || !beyond.length) return;
  const known = new Set(rows.map((asset) => asset.id));
  rows = [...rows, ...beyond.filter((asset) => !known.has(asset.id))];
  next = from;
}

/** Counts of the question asked last; null while they are on their way. */
const counts = (): Facets | null => (countedFor === asked ? facets : null);

/** Show other filters, in the URL too. Typing words does not fill the history. */
function change(part: Partial<Filters>, replace = false): void {
  const query = writeFilters({ ...filters, ...part }, route.query);
  go(keepQuery(route.path, query), { replace });
  if (replace) note(query);
}

function draw(): void {
  render(html`${finder()} ${list()}`, host);
}

const finder = (): TemplateResult => html`
  <div class="finder">
    <h1 class="for-readers">${t("explore.heading")}</h1>
    <label class="search">
      <span class="for-readers">${t("explore.search")}</span>
      ${icon("search")}
      <input class="input" type="search" placeholder=${t("explore.search")} .value=${live(filters.q)} @input=${search}
        maxlength="200" enterkeyhint="search" />
    </label>
    <div class="chips chips--kinds" role="group" aria-label=${t("explore.kinds")}>
      ${world.kinds.map((kind) => kindChip(kind.name))}
    </div>
    <div class="finder__line">
      <p class="finder__count" role="status">${matchedWords()}</p>
      <button type="button" class="button button--quiet" aria-expanded=${String(unfolded)} @click=${fold}>
        ${icon("sliders-horizontal")}${t("filters.more")}
      </button>
    </div>
    ${appliedView(options())} ${unfolded ? filtersView(options()) : nothing}
  </div>
`;

const options = (): FiltersOptions => ({
  filters,
  facets: counts(),
  wards,
  change,
  reset: () => go(keepQuery(route.path, writeFilters(NO_FILTERS, route.query))),
});

function fold(): void {
  unfolded = !unfolded;
  if (unfolded) setSheet("full");
  draw();
}

function kindChip(kind: string): TemplateResult {
  const on = filters.kind.includes(kind);
  const toggled = on ? filters.kind.filter((one) => one !== kind) : [...filters.kind, kind];
  const n = facets?.kind[kind];
  return html`<button type="button" class="chip" aria-pressed=${String(on)} .style=${tint(kind)}
    @click=${() => change({ kind: toggled })}>${mark(kind)}${kindOf(kind).label_plural}
    ${n === undefined ? nothing : html`<span class="count" ?data-old=${!counts()}>${counted(n, facets)}</span>`}</button>`;
}

let typing = 0;
function search(event: Event): void {
  const q = (event.target as HTMLInputElement).value;
  window.clearTimeout(typing);
  typing = window.setTimeout(() => change({ q }, true), 250);
}

/** How many match, in words; where nobody counted to the end, that there are more than were counted. */
const matchedWords = (): string => {
  if (problem || asked === null || answered !== asked) return "";
  if (matched !== null) return t(isFiltered(filters) ? "explore.found" : "explore.count", { n: matched });
  const known = counts();
  if (known) return t(known.approximate ? "explore.more-than" : "explore.found", { n: known.matched });
  return rows.length ? t("explore.shown", { n: rows.length }) : "";
};

function list(): TemplateResult {
  if (problem)
    return html`<div class="inside"><p class="notice notice--bad" role="alert">${icon("triangle-alert")}${problem}</p>
      <p class="buttons"><button class="button" @click=${() => void load(true)}>${t("again")}</button></p></div>`;
  if (!rows.length)
    return matched === 0 && answered === asked ? emptyView(filters, change) : html`<p class="busy">${t("loading")}</p>`;
  return html`<ul class="rows">
      ${rows.map(row)}
    </ul>
    ${next
      ? html`<p class="rows"><button class="button rows__more" @click=${() => void more()}>${t("explore.more")}</button></p>`
      : html`<p class="rows rows__foot small soft">
          <a href="/about">${t("nav.about-map")}</a> <a href="/docs">${t("about.api")}</a>
        </p>`}`;
}

// Near me ---------------------------------------------------------------------------------------------------------------

const locateView = (): TemplateResult =>
  html`<button type="button" class="button button--icon" title=${t("explore.near-me")} aria-label=${t("explore.near-me")}
    @click=${locate}>${icon("locate-fixed")}</button>`;

/** Nearest first. The place is rounded to about 100 m before it is used, kept in the URL or sent. */
function locate(): void {
  const lost = (): void => toast(t("explore.lost"));
  if (!("geolocation" in navigator)) { lost(); return; }
  navigator.geolocation.getCurrentPosition(({ coords }) => {
    const near: LonLat = [Number(coords.longitude.toFixed(3)), Number(coords.latitude.toFixed(3))];
    void theMap().then((map) => map.near(near, 15));
    change({ near });
  }, lost);
}
