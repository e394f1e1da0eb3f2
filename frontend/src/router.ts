/** The URL is the state: path → panel, query → filters and map position. */

export type PanelName =
  | "explore" | "asset" | "compose" | "edit" | "account" | "sign-in" | "about" | "missing"
  | "desk" | "desk-gaps" | "desk-flags" | "desk-import" | "desk-imported" | "desk-reports" | "desk-areas";

/** How a panel shares the screen: beside the map, over the list beside the map, wide beside the map, or alone. */
export type Layout = "list" | "over" | "split" | "page";

export interface Route {
  name: PanelName;
  layout: Layout;
  params: Record<string, string>;
  path: string;
  query: URLSearchParams;
}

const PATTERNS: [pattern: RegExp, name: PanelName, layout: Layout][] = [
  [/^\/$/, "explore", "list"],
  [/^\/new$/, "compose", "over"],
  [/^\/new\/(?<kind>[a-z-]+)$/, "compose", "over"],
  [/^\/assets\/(?<uid>[0-9a-fA-F-]{36})$/, "asset", "over"],
  [/^\/assets\/(?<uid>[0-9a-fA-F-]{36})\/edit$/, "edit", "over"],
  [/^\/desk$/, "desk", "split"],
  [/^\/desk\/gaps$/, "desk-gaps", "split"],
  [/^\/desk\/flags$/, "desk-flags", "split"],
  [/^\/desk\/import$/, "desk-import", "split"],
  [/^\/desk\/import\/(?<uid>[0-9a-fA-F-]{36})$/, "desk-imported", "split"],
  [/^\/desk\/reports$/, "desk-reports", "split"],
  [/^\/desk\/areas$/, "desk-areas", "split"],
  [/^\/account$/, "account", "page"],
  [/^\/sign-in$/, "sign-in", "page"],
  [/^\/about$/, "about", "page"],
];

/** Paths on this origin that the page does not draw: they are left to the browser. */
const NOT_OURS = /^\/(api|tiles|ogc|docs|dev|health|static|openapi\.json|tiles\.json|style\.json)(\/|$)/;

/** The panel for an address; an unknown path is `missing`. */
export function match(url: URL): Route {
  const path = url.pathname.length > 1 ? url.pathname.replace(/\/+$/, "") : url.pathname;
  for (const [pattern, name, layout] of PATTERNS) {
    const found = pattern.exec(path);
    if (found) return { name, layout, params: { ...found.groups }, path, query: url.searchParams };
  }
  return { name: "missing", layout: "page", params: {}, path, query: url.searchParams };
}

/** The route that is shown now. */
export let route: Route = match(new URL("http://localhost/"));

type Show = (route: Route, before: Route | null) => void;
let show: Show = () => undefined;

/** Draw the present address with `onRoute`, and every later one. */
export function start(onRoute: Show): void {
  show = onRoute;
  addEventListener("popstate", () => arrive());
  document.addEventListener("click", follow);
  arrive(true);
}

/** Go to an address of ours. `replace` keeps it out of the history. */
export function go(href: string, options: { replace?: boolean } = {}): void {
  const url = new URL(href, location.origin);
  if (url.href === location.href) return;
  if (options.replace) history.replaceState(null, "", url);
  else history.pushState(null, "", url);
  arrive();
}

/** Change the query string in place, without drawing anything again. */
export function note(query: URLSearchParams): void {
  const text = query.toString();
  history.replaceState(history.state, "", location.pathname + (text ? `?${unescaped(text)}` : "") + location.hash);
  route = { ...route, query };
}

/** What the desk keeps in the query means nothing elsewhere. */
const OF_THE_DESK = ["figure", "area", "since", "level", "set", "day", "is"];

/** A path with this page's filters and map position, so that going there and back keeps them. */
export function keepQuery(path: string, query: URLSearchParams = route.query): string {
  const kept = new URLSearchParams(query);
  for (const name of ["next", "sign_in", "token", "to", ...OF_THE_DESK]) kept.delete(name);
  const text = kept.toString();
  return text ? `${path}?${unescaped(text)}` : path;
}

/** A local path to come back to; anything that points elsewhere becomes the map. */
export function safeNext(next: string | null): string {
  if (!next?.startsWith("/") || /^\/[/\\]/.test(next) || /[\s\\]/.test(next)) return "/";
  const url = new URL(next, "http://localhost");
  return url.origin === "http://localhost" ? url.pathname + url.search + url.hash : "/";
}

/** Commas and slashes may stand in a query; they make an address that people can read. */
const unescaped = (query: string): string => query.replaceAll("%2C", ",").replaceAll("%2F", "/");

function arrive(first = false): void {
  const before = first ? null : route;
  route = match(new URL(location.href));
  show(route, before);
}

function follow(event: MouseEvent): void {
  if (event.defaultPrevented || event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey)
    return;
  const link = event.target instanceof Element ? event.target.closest("a") : null;
  if (!link || link.target || link.hasAttribute("download") || !(link instanceof HTMLAnchorElement)) return;
  const url = new URL(link.href);
  if (url.origin !== location.origin || NOT_OURS.test(url.pathname)) return;
  if (url.pathname === location.pathname && url.search === location.search && url.hash) return;
  event.preventDefault();
  go(url.href);
}
