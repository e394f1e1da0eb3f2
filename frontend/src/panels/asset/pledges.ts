/** Promises of time to one proposal: making one, and what the organiser does with them. */

import { html, nothing, type TemplateResult } from "lit-html";
import { get, post } from "../../api/client";
import type { Field, Items, Pledge, Proposal } from "../../api/types";
import { label, t } from "../../i18n";
import { ask } from "../../parts/dialog";
import { icon } from "../../parts/icon";
import { Opener } from "../../parts/opener";
import { world } from "../../state";
import type { Page } from "./index";

const hours = (name: string, words: string, hint = ""): Field => ({
  name, label: words, hint, type: "number", required: true, minimum: 0.25, maximum: 1000,
});

export class Pledges {
  private proposal: Proposal | null = null;
  private items: Pledge[] = [];
  private promising: Opener | null = null;

  constructor(
    private readonly page: Page,
    private readonly renew: () => Promise<void>,
  ) {}

  /** The proposal as it is now; its pledges follow. */
  take(proposal: Proposal): void {
    this.proposal = proposal;
    this.promising ??= this.opener(proposal.uid);
    this.promising.resume();
    if (world.viewer) void this.read();
    else this.items = [];
  }

  view(): TemplateResult | typeof nothing {
    if (!this.proposal) return nothing;
    const { proposal } = this;
    const mine = proposal.my_pledge;
    // Somebody who withdrew may think again; the service says whether there is room.
    const visitor = !world.viewer && ["proposed", "accepted"].includes(proposal.state) && !proposal.full;
    const open_to = proposal.may.includes("pledges.promise") || visitor;
    return html`
      ${this.items.map((pledge) => this.line(pledge, pledge.uid === mine?.uid))}
      ${this.promising?.isOpen
        ? html`<div class="card">${this.promising.view()}</div>`
        : open_to
          ? html`<button class="button button--main" @click=${this.promising?.open}>
              ${icon("heart-handshake")}${t("pledge.open")}
            </button>`
          : nothing}
    `;
  }

  private async read(): Promise<void> {
    const uid = this.proposal?.uid ?? "";
    this.items = (await get<Items<Pledge>>(`/proposals/${uid}/pledges`, { limit: "200" }).catch(() => ({ items: [] }))).items;
    this.page.redraw();
  }

  private opener(proposal: string): Opener {
    return new Opener({
      key: `pledge:${proposal}`,
      fields: () => [
        hours("hours_promised", t("pledge.hours"), t("pledge.hours.hint")),
        { name: "message", label: t("pledge.message"), type: "long-text", max_length: 1000 },
      ],
      send: t("pledge.send"),
      done: t("pledge.sent"),
      redraw: this.page.redraw,
      submit: async (values) => {
        await post(`/proposals/${proposal}/pledges`, values);
        await this.renew();
      },
    });
  }

  private line(pledge: Pledge, mine: boolean): TemplateResult {
    const given = pledge.hours_given;
    const name = mine ? t("pledge.you") : (pledge.person?.name ?? t("somebody"));
    return html`<div class="card">
      <p>
        <strong>${name}</strong>
        ${given === null ? t("pledge.promised", { n: pledge.hours_promised }) : t("pledge.gave", { n: given })}
        <span class="tag ${pledge.state === "fulfilled" ? "tag--good" : ""}">${label("pledge-state", pledge.state)}</span>
      </p>
      ${pledge.message ? html`<p class="small">${pledge.message}</p>` : nothing} ${this.steps(pledge)}
    </div>`;
  }

  private steps(pledge: Pledge): TemplateResult | typeof nothing {
    const may = (verb: string): boolean => pledge.may.includes(`pledges.${verb}`);
    const key = (verb: string): string => `pledge:${pledge.uid}:${verb}`;
    const take = async (verb: string, body: object = {}): Promise<void> => {
      await post(`/pledges/${pledge.uid}/${verb}`, body);
      await this.renew();
    };
    const thanks = (): void =>
      ask({
        key: key("fulfil"),
        title: t("pledge.fulfil.title", { name: pledge.person?.name ?? t("somebody") }),
        text: t("pledge.fulfil.text", { n: pledge.hours_promised }),
        fields: [{ ...hours("hours_given", t("pledge.given")), minimum: 0, default: pledge.hours_promised }],
        send: t("pledge.fulfil"),
        done: t("pledge.fulfilled"),
        submit: (values) => take("fulfil", values),
      });
    const { verbs } = this.page;
    const buttons = [
      may("confirm")
        ? verbs.button({ key: key("confirm"), words: t("pledge.confirm"), icon: "check", style: "main",
            done: t("pledge.confirmed"), act: () => take("confirm") })
        : nothing,
      may("fulfil") ? html`<button class="button" @click=${thanks}>${icon("check")}${t("pledge.fulfil")}</button>` : nothing,
      may("miss")
        ? verbs.button({ key: key("miss"), words: t("pledge.miss"), style: "quiet", act: () => take("miss") })
        : nothing,
      may("withdraw")
        ? verbs.button({ key: key("withdraw"), words: t("pledge.withdraw"), style: "quiet",
            done: t("pledge.withdrawn"), act: () => take("withdraw") })
        : nothing,
    ].filter((button) => button !== nothing);
    if (!buttons.length) return nothing;
    return html`<div class="buttons">${buttons}</div>
      ${verbs.fault(key("confirm"), key("miss"), key("withdraw"))}`;
  }
}
