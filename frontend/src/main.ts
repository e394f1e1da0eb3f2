/** Starts the page: settings, frame, then the panel that the URL names. */

import "@fontsource-variable/atkinson-hyperlegible-next/wght.css";
import "./styles/tokens.css";
import "./styles/layout.css";
import "./styles/parts.css";
import "./styles/fields.css";
import "./styles/explore.css";
import "./styles/asset.css";
import "./styles/panels.css";
import { html, render } from "lit-html";
import { t } from "./i18n";
import { ifMap } from "./map/handle";
import * as explore from "./panels/explore";
import { bindFrame, drawFrame, hostOf } from "./parts/frame";
import { addIcons } from "./parts/icon";
import { paintKinds } from "./parts/tones";
import { type PanelName, type Route, route, start } from "./router";
import { events, load, loadViewer, setViewer, world } from "./state";

/** What a module of panels/ offers. */
export interface Panel {
  /** Draw into the host for this route. */
  enter: (route: Route, host: HTMLElement) => void;
  /** Let go of what lives outside the host. */
  leave?: () => void;
}

const PANELS: Record<Exclude<PanelName, "explore">, () => Promise<Panel>> = {
  asset: () => import("./panels/asset"),
  compose: () => import("./panels/compose"),
  edit: () => import("./panels/compose"),
  desk: () => import("./panels/desk"),
  "desk-gaps": () => import("./panels/desk-gaps"),
  "desk-flags": () => import("./panels/desk-flags"),
  "desk-import": () => import("./panels/desk-import"),
  "desk-imported": () => import("./panels/desk-imported"),
  "desk-reports": () => import("./panels/desk-reports"),
  "desk-areas": () => import("./panels/desk-areas"),
  account: () => import("./panels/account"),
  "sign-in": () => import("./panels/sign-in"),
  about: () => import("./panels/about"),
  missing: () => import("./panels/missing"),
};

let current: Panel | null = null;

async function show(now: Route, before: Route | null): Promise<void> {
  const moved = !before || before.path !== now.path;
  if (moved) leave();
  drawFrame(now, moved);
  if (now.layout === "list" || now.layout === "over") explore.enter(now, hostOf("list"));
  if (now.name !== "explore" && moved) {
    const panel = await PANELS[now.name]();
    if (route.path !== now.path) return;
    current = panel;
    panel.enter(now, hostOf(now.layout));
  }
  if (before && moved) focusPanel(now, before);
}

function leave(): void {
  current?.leave?.();
  current = null;
  ifMap((map) => map.point(null));
}

/** After going somewhere the reader stands at its heading, or at the row they left. */
function focusPanel(now: Route, before: Route): void {
  const host = hostOf(now.layout);
  const row = before.params.uid && host.querySelector<HTMLElement>(`a[href^="/assets/${before.params.uid}"]`);
  const target = row || host.querySelector<HTMLElement>("h1") || host;
  if (target.tagName === "H1") target.tabIndex = -1;
  target.focus({ preventScroll: target === host });
  if (target.tagName === "H1") host.scrollTop = 0;
}

async function boot(): Promise<void> {
  addIcons();
  try {
    await load();
  } catch {
    render(html`<main class="empty" role="alert"><h1>${t("down.title")}</h1><p>${t("down.text")}</p></main>`, document.body);
    return;
  }
  paintKinds(world.kinds);
  start((now, before) => void show(now, before));
  bindFrame();
  events.on("viewer", () => drawFrame(route, false));
  followOtherTabs();
}

/** Somebody may sign in or out in another tab, or their session may end while nobody looks. */
function followOtherTabs(): void {
  const tabs = new BroadcastChannel("viewer");
  let told = world.viewer?.uid ?? null;
  events.on("viewer", (viewer) => {
    if ((viewer?.uid ?? null) !== told) tabs.postMessage(viewer?.uid ?? null);
    told = viewer?.uid ?? null;
  });
  tabs.addEventListener("message", ({ data }) => {
    told = data as string | null;
    if (data === null) setViewer(null);
    else void loadViewer();
  });
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "visible" && world.viewer) void loadViewer();
  });
}

void boot();
