/** Sign in: an e-mail address, then the six digits or the link from the mail. */

import { html, nothing, render, type TemplateResult } from "lit-html";
import { call, post, words } from "../api/client";
import type { Field, Me } from "../api/types";
import { t } from "../i18n";
import { Form } from "../parts/form";
import { icon } from "../parts/icon";
import { go, type Route, safeNext } from "../router";
import { events, setViewer, world } from "../state";

const EMAIL: Field = { name: "email", label: "", type: "email", required: true, max_length: 254 };
const CODE: Field = { name: "code", label: "", type: "text", required: true, max_length: 7 };
const NAME: Field = { name: "name", label: "", type: "text", required: true, max_length: 80 };

type Step = { name: "email" } | { name: "code"; signIn: string; email: string } | { name: "link" } | { name: "name" };

/** An account younger than this was made by this sign-in: the name it has is not their own yet. */
const NEW_MS = 3 * 60_000;

let host: HTMLElement;
let step: Step = { name: "email" };
let form: Form;
let next = "/";
let problem = "";
let stop: () => void = () => undefined;

export function enter(route: Route, into: HTMLElement): void {
  host = into;
  problem = "";
  document.title = t("title.page", { page: t("nav.sign-in"), title: world.settings.title });
  const [signIn, token] = [route.query.get("sign_in"), route.query.get("token")];
  next = safeNext(route.query.get("next") ?? (signIn ? nextOf(signIn) : null));
  // Signed in by the mail's link in another tab: this one goes on where it was.
  stop = events.on("viewer", (me) => me && step.name === "code" && onwards());
  if (signIn && token) void byLink(signIn, token);
  else if (world.viewer) arrive(world.viewer);
  else to({ name: "email" });
}

export function leave(): void {
  stop();
}

function to(now: Step): void {
  step = now;
  form = formFor(now);
  draw();
  host.querySelector<HTMLElement>("input")?.focus();
}

function formFor(now: Step): Form {
  const shared = { redraw: draw, people: false };
  if (now.name === "code")
    return new Form({
      ...shared,
      key: "sign-in-code",
      fields: [{ ...CODE, label: t("sign-in.code") }],
      send: t("sign-in.enter"),
      submit: async ({ code }) => {
        const digits = String(code).replace(/\D/g, "");
        finish((await post<{ me: Me }>("/sign-in/complete", { sign_in: now.signIn, code: digits })).me);
      },
    });
  if (now.name === "name")
    return new Form({
      ...shared,
      key: "name",
      fields: [{ ...NAME, label: t("sign-in.name"), hint: t("sign-in.name.hint") }],
      send: t("sign-in.go-on"),
      submit: async (values) => {
        setViewer((await call<Me>("PATCH", "/me", { body: values })).data);
        onwards();
      },
      cancel: onwards,
      otherwise: t("sign-in.later"),
    });
  return new Form({
    ...shared,
    key: "sign-in",
    fields: [{ ...EMAIL, label: t("sign-in.email"), hint: t("sign-in.email.hint") }],
    send: t("sign-in.send"),
    submit: async ({ email }) => {
      const { sign_in: signIn } = await post<{ sign_in: string }>("/sign-in", { email });
      localStorage.setItem(`next:${signIn}`, next);
      to({ name: "code", signIn, email: String(email) });
    },
  });
}

async function byLink(signIn: string, token: string): Promise<void> {
  to({ name: "link" });
  // The token must not stay in the history or be sent on as a referrer.
  history.replaceState(null, "", "/sign-in");
  try {
    finish((await post<{ me: Me }>("/sign-in/complete", { sign_in: signIn, token })).me);
  } catch (error) {
    problem = words(error);
    to({ name: "email" });
  }
}

function finish(me: Me): void {
  if (step.name === "code") localStorage.removeItem(`next:${step.signIn}`);
  stop();
  setViewer(me);
  arrive(me);
}

/** Signed in: a name is asked for once, then on to where they came from. */
function arrive(me: Me): void {
  if (isNew(me)) to({ name: "name" });
  else onwards();
}

/** True for somebody whose first sign-in this is. */
const isNew = (me: Me): boolean => !me.name.trim() || Date.now() - Date.parse(me.created_at) < NEW_MS;

const onwards = (): void => go(next, { replace: true });

const nextOf = (signIn: string): string | null => {
  const kept = localStorage.getItem(`next:${signIn}`);
  localStorage.removeItem(`next:${signIn}`);
  return kept;
};

function draw(): void {
  if (host.isConnected) render(view(), host);
}

function view(): TemplateResult {
  const heading = step.name === "name" ? t("sign-in.welcome") : step.name === "code" ? t("sign-in.look") : t("sign-in.heading");
  return html`<div class="page">
    <h1>${heading}</h1>
    ${lead()}
    ${problem ? html`<p class="notice notice--bad" role="alert">${icon("triangle-alert")}<span>${problem}</span></p>` : nothing}
    <section>${step.name === "link" ? html`<p role="status">${t("sign-in.wait")}</p>` : form.view()}</section>
    ${step.name === "code" ? html`<p class="small soft">${t("sign-in.other-address")} <a href="/sign-in" @click=${again}>${t("sign-in.again")}</a></p>` : nothing}
    ${world.settings.demo && step.name !== "name" ? demoNotice() : nothing}
  </div>`;
}

function again(event: Event): void {
  event.preventDefault();
  to({ name: "email" });
}

function lead(): TemplateResult | typeof nothing {
  if (step.name === "email") return html`<p class="lead">${t("sign-in.lead")}</p>`;
  if (step.name === "code") return html`<p class="lead">${t("sign-in.sent", { email: step.email })}</p>`;
  return nothing;
}

const demoNotice = (): TemplateResult =>
  html`<section class="notice notice--warm">
    ${icon("info")}<span>${t("sign-in.demo")} <a href="/dev/mail" target="_blank">${t("sign-in.demo.link")}</a></span>
  </section>`;
