/** The head of an asset's page: kind, title, thanks, where, and its own details. */

import { html, nothing, type TemplateResult } from "lit-html";
import { call } from "../../api/client";
import type { Asset, Field } from "../../api/types";
import { ago, day, label, metres, number, span, t } from "../../i18n";
import { plain, webAddress } from "../../parts/fields";
import { icon } from "../../parts/icon";
import { bigMark, tint } from "../../parts/mark";
import { whereWords } from "../../parts/row";
import { sanitised } from "../../parts/sanitised";
import { keepQuery } from "../../router";
import { kindOf, themeLabel } from "../../state";
import type { Page } from "./index";

export function head(page: Page): TemplateResult {
  const asset = page.asset();
  const { kind, title, summary, body_html, state } = asset.properties;
  return html`
    <header class="asset__head" .style=${tint(kind)}>
      <p class="asset__kind">${bigMark(kind)}${kindOf(kind).label}</p>
      <h1>${title}</h1>
      ${state !== "published" ? stateNotice(state) : nothing}
      ${summary ? html`<p class="asset__summary">${summary}</p>` : nothing}
      <p class="facts asset__facts">${facts(asset)}</p>
      <div class="asset__verbs">
        ${thanks(page)}
        ${page.offers("proposals.propose")
          ? html`<a class="button" href="#help">${icon("hand-helping")}${t("verb.help")}</a>`
          : nothing}
        ${page.may("assets.amend")
          ? html`<a class="button" href=${keepQuery(`/assets/${page.uid}/edit`)}>${icon("pencil")}${t("verb.edit")}</a>`
          : nothing}
      </div>
      ${page.verbs.fault("thanks")}
    </header>
    ${body_html ? html`<section aria-label=${t("asset.story")}>${sanitised(body_html)}</section>` : nothing}
    ${details(asset)}
  `;
}

const stateNotice = (state: string): TemplateResult =>
  html`<p class="notice notice--warm">${icon("eye-off")}<span>${label("state-says", state)}</span></p>`;

function thanks(page: Page): TemplateResult | typeof nothing {
  const { appreciated, appreciations, state } = page.asset().properties;
  if (state !== "published") return nothing;
  const act = async (): Promise<void> => {
    await call(appreciated ? "DELETE" : "PUT", `/assets/${page.uid}/appreciation`);
    await page.reload();
  };
  const text = t(appreciated ? "thanks.said" : "thanks.say");
  return page.verbs.button({
    key: "thanks",
    words: appreciations ? `${text} · ${appreciations}` : text,
    icon: "heart",
    style: "thanks",
    pressed: appreciated ?? false,
    ...(appreciated ? {} : { done: t("thanks.done") }),
    act,
  });
}

function facts(asset: Asset): TemplateResult {
  const { starts_at, ends_at, theme, stage, kind, organiser, owner, published_at } = asset.properties;
  return html`
    ${starts_at ? html`<span>${icon("calendar")}${span(starts_at, ends_at)}</span>` : nothing}
    <span>${icon(asset.properties.anchor ? "map-pin" : "map-pin-off")}${whereWords(asset)}</span>
    ${theme !== "other" ? html`<span>${themeLabel(theme)}</span>` : nothing}
    ${stage !== kindOf(kind).default_stage ? html`<span class="tag">${label("stage", stage)}</span>` : nothing}
    ${organiser || owner ? html`<span>${icon("user-round")}${organiser || owner?.name}</span>` : nothing}
    ${published_at ? html`<span title=${day(published_at)}>${icon("clock")}${ago(published_at)}</span>` : nothing}
  `;
}

/** The kind's own fields, and where it is when that needs saying. */
function details(asset: Asset): TemplateResult | typeof nothing {
  const { details: values, kind, website, location_class, attribution } = asset.properties;
  const rows = kindOf(kind)
    .fields.map((field): [string, unknown] => [field.label, shown(field, values[field.name])])
    .filter(([, value]) => value !== nothing);
  const address = webAddress(website);
  if (address) rows.push([t("field.website"), link(address)]);
  if (location_class === "person" && asset.properties.anchor) rows.push([t("field.where"), t("where.person")]);
  if (location_class === "shielded") rows.push([t("field.where"), t("where.shielded")]);
  if (attribution) rows.push([t("field.source"), attribution]);
  if (!rows.length) return nothing;
  return html`<section aria-label=${t("asset.details")}>
    <dl class="details">
      ${rows.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}
    </dl>
  </section>`;
}

function shown(field: Field, value: unknown): unknown {
  if (value === null || value === undefined || value === "") return nothing;
  if (field.type === "boolean") return t(value === true ? "yes" : "no");
  if (field.type === "choice") {
    if (value === "unknown") return nothing;
    return field.options?.find((option) => option.value === value)?.label ?? plain(value);
  }
  if (field.type === "url") {
    const address = webAddress(value);
    return address ? link(address) : nothing;
  }
  // By the names' law, what ends in _m is in metres.
  if (typeof value === "number") return field.name.endsWith("_m") ? metres(value) : number(value);
  return plain(value);
}

const link = (address: string): TemplateResult =>
  html`<a href=${address} rel="noopener nofollow ugc">${new URL(address).host.replace(/^www\./, "")}</a>`;
