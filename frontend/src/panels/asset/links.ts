/** Ties between this asset and others. */

import { html, nothing, type TemplateResult } from "lit-html";
import { ApiError, call, get, getAll, post } from "../../api/client";
import type { AssetList, Link } from "../../api/types";
import { label, t, type Word } from "../../i18n";
import { ask } from "../../parts/dialog";
import { plain } from "../../parts/fields";
import { icon } from "../../parts/icon";
import { mark } from "../../parts/mark";
import { keepQuery } from "../../router";
import type { Page, Part } from "./index";

const KINDS = ["grew_from", "part_of", "at_place", "partner_of"];

export function links(page: Page): Part {
  let items: Link[] = [];
  const path = `/assets/${page.uid}/links`;
  const load = async (): Promise<void> => {
    items = await getAll<Link>(path);
  };
  const renew = async (): Promise<void> => {
    await load();
    page.redraw();
  };
  const view = (): TemplateResult | typeof nothing => {
    if (!items.length && !page.may("links.ask")) return nothing;
    return html`<section class="cards" aria-labelledby="links-title">
      <div class="part__head">
        <h2 id="links-title">${t("links.heading")}</h2>
        ${page.may("links.ask")
          ? html`<button class="button button--quiet" @click=${() => askFor(path, renew)}>
              ${icon("plus")}${t("link.open")}
            </button>`
          : nothing}
      </div>
      ${items.length ? nothing : html`<p class="soft">${t("links.none")}</p>`}
      <ul>
        ${items.map((link) => line(page, link, renew))}
      </ul>
    </section>`;
  };
  return { load, view };
}

function line(page: Page, link: Link, renew: () => Promise<void>): TemplateResult {
  const outward = link.from.uid === page.uid;
  const other = outward ? link.to : link.from;
  const { verbs } = page;
  const key = (verb: string): string => `link:${link.uid}:${verb}`;
  const may = (verb: string): boolean => link.may.includes(`links.${verb}`);
  const decide = (state: string) => async () => {
    await call("PATCH", `/links/${link.uid}`, { body: { state } });
    await renew();
  };
  const remove = async (): Promise<void> => {
    await call("DELETE", `/links/${link.uid}`);
    await renew();
  };
  return html`<li class="row">
    ${mark(other.kind)}
    <div>
      <p class="small soft">${label(outward ? "link-to" : "link-from", link.kind)}</p>
      <a class="row__title" href=${keepQuery(`/assets/${other.uid}`)}>${other.title}</a>
      ${link.state === "agreed" ? nothing : html`<p class="facts"><span class="tag tag--warm">${t(standing(link, outward))}</span></p>`}
      <div class="buttons links__verbs">
        ${may("decide") ? verbs.button({ key: key("agree"), words: t("link.agree"), icon: "check", act: decide("agreed") }) : nothing}
        ${may("decide") ? verbs.button({ key: key("decline"), words: t("link.decline"), style: "quiet", act: decide("declined") }) : nothing}
        ${may("remove") && (outward || link.state !== "asked") ? verbs.button({ key: key("remove"), words: t(outward && link.state === "asked" ? "link.take-back" : "link.remove"), style: "quiet", act: remove }) : nothing}
      </div>
      ${verbs.fault(key("agree"), key("decline"), key("remove"))}
    </div>
  </li>`;
}

/** Ask for a tie: the other asset is found by its title. */
function askFor(path: string, renew: () => Promise<void>): void {
  ask({
    key: `link:${path}`,
    title: t("link.title"),
    text: t("link.text"),
    fields: [
      { name: "kind", label: t("link.kind"), type: "choice", required: true, default: "part_of",
        options: KINDS.map((value) => ({ value, label: label("link-to", value) })) },
      { name: "to", label: t("link.other"), hint: t("link.other.hint"), type: "text", required: true, max_length: 300 },
    ],
    send: t("link.send"),
    done: t("link.sent"),
    submit: async ({ kind, to }) => {
      await post(path, { kind, to: await uidOf(plain(to)) });
      await renew();
    },
  });
}

/** How far a tie that is not agreed has come, seen from this side. */
const standing = (link: Link, outward: boolean): Word => {
  if (link.state === "declined") return outward ? "link.declined" : "link.you-declined";
  return outward || !link.may.includes("links.decide") ? "link.asked" : "link.asks-you";
};

/** An asset's uid from its address, or from words that find just that one. */
async function uidOf(text: string): Promise<string> {
  const named = /[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}/i.exec(text)?.[0];
  if (named) return named;
  const { features } = await get<AssetList>("/assets", { q: text, limit: "5", stage: "planned,active,ended" });
  const exact = features.filter((asset) => asset.properties.title.toLowerCase() === text.trim().toLowerCase());
  const [only] = exact.length ? exact : features;
  if (only && (exact.length === 1 || features.length === 1)) return only.id;
  const titles = features.map((asset) => asset.properties.title).join("; ");
  throw new ApiError(422, only ? t("link.several", { titles }) : t("link.unknown"));
}
