/** Actions that people offer to take for a project, idea or place, and the promises of time to them. */

import { html, nothing, type TemplateResult } from "lit-html";
import { getAll, post } from "../../api/client";
import type { Field, Proposal } from "../../api/types";
import { day, label, t } from "../../i18n";
import { ask } from "../../parts/dialog";
import { icon } from "../../parts/icon";
import { Opener } from "../../parts/opener";
import { kindOf } from "../../state";
import type { Page, Part } from "./index";
import { Pledges } from "./pledges";

const fields = (): Field[] => [
  { name: "title", label: t("proposal.title"), hint: t("proposal.title.hint"), type: "text", required: true, max_length: 160 },
  { name: "text", label: t("proposal.text"), type: "long-text", max_length: 5000 },
  { name: "happens_on", label: t("proposal.when"), type: "date" },
  { name: "places", label: t("proposal.places"), hint: t("proposal.places.hint"), type: "integer", minimum: 1, maximum: 10000 },
];

export function proposals(page: Page): Part {
  let items: Proposal[] = [];
  const pledges = new Map<string, Pledges>();
  const path = `/assets/${page.uid}/proposals`;

  const load = async (): Promise<void> => {
    items = await getAll<Proposal>(path);
    for (const proposal of items) {
      const own = pledges.get(proposal.uid) ?? new Pledges(page, renew);
      pledges.set(proposal.uid, own);
      own.take(proposal);
    }
  };
  const renew = async (): Promise<void> => {
    await load();
    await page.reload();
  };
  const offering = new Opener({
    key: `proposal:${page.uid}`,
    fields,
    send: t("proposal.send"),
    done: t("proposal.sent"),
    redraw: page.redraw,
    submit: async ({ places, happens_on, ...rest }) => {
      await post(path, { ...rest, ...(places ? { places } : {}), ...(happens_on ? { happens_on } : {}) });
      await renew();
    },
  });
  offering.resume();

  const view = (): TemplateResult | typeof nothing => {
    if (!items.length && !kindOf(page.asset().properties.kind).takes_proposals) return nothing;
    const open_to = page.offers("proposals.propose");
    return html`<section class="cards" id="help" aria-labelledby="proposals-title">
      <div class="part__head"><h2 id="proposals-title">${t("proposals.heading")}</h2></div>
      ${items.length || offering.isOpen ? nothing : html`<p class="soft">${t(open_to ? "proposals.none" : "proposals.none-yet")}</p>`}
      ${items.map((proposal) => card(page, proposal, pledges.get(proposal.uid), renew))}
      ${offering.isOpen
        ? html`<div class="card"><h3>${t("proposal.heading")}</h3>${offering.view()}</div>`
        : open_to
          ? html`<button class="button" @click=${offering.open}>${icon("hand-helping")}${t("proposal.open")}</button>`
          : nothing}
    </section>`;
  };
  return { load, view };
}

const TONE: Record<string, string> = { accepted: "tag--good", done: "tag--good", proposed: "tag--warm" };

function card(page: Page, proposal: Proposal, pledges: Pledges | undefined, renew: () => Promise<void>): TemplateResult {
  const over = proposal.state === "declined" || proposal.state === "withdrawn";
  return html`<div class="card ${over ? "card--kept" : ""}">
    <h3>${proposal.title}</h3>
    <p class="facts">
      <span class="tag ${TONE[proposal.state] ?? ""}">${label("proposal-state", proposal.state)}</span>
      ${proposal.proposer ? html`<span>${t("by", { name: proposal.proposer.name })}</span>` : nothing}
      ${proposal.happens_on ? html`<span>${icon("calendar")}${day(proposal.happens_on)}</span>` : nothing}
      ${proposal.places ? html`<span>${placesWords(proposal)}</span>` : nothing}
      ${!proposal.places && proposal.pledged ? html`<span>${t("proposal.pledged", { n: proposal.pledged })}</span>` : nothing}
    </p>
    ${proposal.text ? html`<p>${proposal.text}</p>` : nothing} ${decide(page, proposal, renew)} ${pledges?.view()}
  </div>`;
}

const placesWords = ({ full, places, pledged }: Proposal): string => {
  const most = places ?? 0;
  if (full) return t("proposal.full", { n: most });
  return pledged === null ? t("proposal.room", { n: most }) : t("proposal.taken", { taken: pledged, n: most });
};

/** The steps that the reader may take; those that end something ask why first. */
function decide(page: Page, proposal: Proposal, renew: () => Promise<void>): TemplateResult | typeof nothing {
  const key = (verb: string): string => `proposal:${proposal.uid}:${verb}`;
  const take = async (verb: string, body: object): Promise<void> => {
    await post(`/proposals/${proposal.uid}/${verb}`, body);
    await renew();
  };
  const may = (verb: string): boolean => proposal.may.includes(`proposals.${verb}`);
  const because = (verb: "decline" | "withdraw"): void =>
    ask({
      key: key(verb),
      title: t(verb === "decline" ? "proposal.decline.title" : "proposal.withdraw.title"),
      text: proposal.title,
      fields: [{ name: "why", label: t("why"), hint: t("why.hint"), type: "long-text", max_length: 500 }],
      send: t(verb === "decline" ? "proposal.decline" : "proposal.withdraw"),
      bad: true,
      submit: ({ why }) => take(verb, why ? { why } : {}),
    });
  const at = (verb: "accept" | "complete"): TemplateResult =>
    page.verbs.button({
      key: key(verb),
      words: t(verb === "accept" ? "proposal.accept" : "proposal.complete"),
      icon: "check",
      ...(verb === "accept" ? { style: "main" as const } : {}),
      done: t(verb === "accept" ? "proposal.accepted" : "proposal.completed"),
      act: () => take(verb, {}),
    });
  const ending = (verb: "decline" | "withdraw"): TemplateResult =>
    html`<button class="button button--quiet" @click=${() => because(verb)}>
      ${t(verb === "decline" ? "proposal.decline" : "proposal.withdraw")}
    </button>`;
  const buttons = [
    may("accept") ? at("accept") : nothing,
    may("complete") ? at("complete") : nothing,
    may("decline") ? ending("decline") : nothing,
    may("withdraw") ? ending("withdraw") : nothing,
  ].filter((button) => button !== nothing);
  if (!buttons.length) return nothing;
  return html`<div class="buttons">${buttons}</div>
    ${page.verbs.fault(key("accept"), key("complete"))}`;
}

