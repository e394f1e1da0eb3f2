/** The discussion of an asset: comments and answers to them. */

import { html, nothing, type TemplateResult } from "lit-html";
import { call, getAll, post, versionTag } from "../../api/client";
import type { Comment, Field } from "../../api/types";
import { ago, day, label, t } from "../../i18n";
import { ask } from "../../parts/dialog";
import { Form, type Values } from "../../parts/form";
import { icon } from "../../parts/icon";
import { Opener } from "../../parts/opener";
import { sanitised } from "../../parts/sanitised";
import { flag } from "./flag";
import type { Page, Part } from "./index";

const text = (words: string): Field => ({
  name: "text",
  label: words,
  type: "long-text",
  required: true,
  max_length: 5000,
});

export function discussion(page: Page): Part {
  let items: Comment[] = [];
  const answers = new Map<string, Opener>();
  const path = `/assets/${page.uid}/comments`;

  const load = async (): Promise<void> => {
    items = await getAll<Comment>(path);
    for (const { uid } of items) {
      if (!answers.has(uid)) answers.set(uid, answer(uid));
      answers.get(uid)?.resume();
    }
  };
  const send = (to: string | null) => async (values: Values) => {
    await post(path, to ? { ...values, reply_to: to } : values);
    await load();
  };
  const first = new Form({
    key: `comment:${page.uid}`,
    fields: [text(t("comment.write"))],
    send: t("comment.send"),
    done: t("comment.sent"),
    redraw: page.redraw,
    submit: send(null),
  });
  const answer = (to: string): Opener =>
    new Opener({
      key: `reply:${to}`,
      fields: () => [text(t("comment.reply"))],
      send: t("comment.reply.send"),
      done: t("comment.sent"),
      redraw: page.redraw,
      submit: send(to),
    });

  const view = (): TemplateResult => {
    const open_to = page.offers("comments.write");
    const thread = { page, items, answers, load, open_to };
    const threads = items.filter((comment) => !items.some((other) => other.uid === comment.reply_to));
    return html`<section aria-labelledby="discussion-title">
      <div class="part__head">
        <h2 id="discussion-title">${t("discussion.heading")}</h2>
      </div>
      ${threads.map((comment) => says(comment, thread))}
      ${items.length ? nothing : html`<p class="soft">${t("discussion.none")}</p>`}
      ${open_to ? html`<div class="says">${first.view()}</div>` : nothing}
    </section>`;
  };
  return { load, view };
}

interface Thread {
  page: Page;
  items: Comment[];
  answers: Map<string, Opener>;
  load: () => Promise<void>;
  open_to: boolean;
}

function says(comment: Comment, thread: Thread): TemplateResult {
  const replies = thread.items.filter((other) => other.reply_to === comment.uid);
  const answer = thread.answers.get(comment.uid);
  return html`<div class="says">
    <p class="says__who">
      <strong>${comment.author?.name ?? t("somebody")}</strong>
      <span class="soft" title=${day(comment.created_at)}>${ago(comment.created_at)}</span>
      ${comment.state !== "published" ? html`<span class="tag tag--warm">${label("state", comment.state)}</span>` : nothing}
    </p>
    ${sanitised(comment.text_html)} ${comment.state === "withdrawn" ? nothing : verbs(comment, thread)}
    ${answer?.isOpen ? html`<div class="card">${answer.view()}</div>` : nothing}
    ${replies.length ? html`<div class="says__replies">${replies.map((reply) => says(reply, thread))}</div>` : nothing}
  </div>`;
}

function verbs(comment: Comment, { page, answers, load, open_to }: Thread): TemplateResult {
  const answer = answers.get(comment.uid);
  const renew = async (): Promise<void> => {
    await load();
    page.redraw();
  };
  return html`<div class="buttons">
    ${open_to && comment.state === "published" && answer && !answer.isOpen
      ? html`<button class="button button--quiet" @click=${answer.open}>${t("comment.reply")}</button>`
      : nothing}
    ${own(comment, renew)} ${moderating(comment, renew)}
    ${page.offers("flags.raise") && !comment.may.includes("comments.amend")
      ? html`<button class="button button--quiet" @click=${() => flag(page.uid, comment.uid)}>
          ${icon("flag")}<span class="for-readers">${t("flag.comment")}</span>
        </button>`
      : nothing}
  </div>`;
}

/** What the author may do to their own words. */
function own(comment: Comment, renew: () => Promise<void>): TemplateResult {
  const etag = versionTag(comment);
  const amend = (): void =>
    ask({
      key: `comment:${comment.uid}`,
      title: t("comment.amend.title"),
      fields: [{ ...text(t("comment.text")), default: comment.text }],
      send: t("save"),
      submit: async (values) => {
        await call("PATCH", `/comments/${comment.uid}`, { body: values, etag });
        await renew();
      },
    });
  const remove = (): void =>
    ask({
      key: `uncomment:${comment.uid}`,
      title: t("comment.withdraw.title"),
      text: t("comment.withdraw.text"),
      send: t("comment.withdraw"),
      bad: true,
      submit: async () => {
        await call("DELETE", `/comments/${comment.uid}`, { etag });
        await renew();
      },
    });
  const may = (act: string): boolean => comment.may.includes(act);
  return html`${may("comments.amend")
    ? html`<button class="button button--quiet" @click=${amend}>${t("verb.edit")}</button>`
    : nothing}
  ${may("comments.withdraw")
    ? html`<button class="button button--quiet" @click=${remove}>${t("comment.withdraw")}</button>`
    : nothing}`;
}

/** What a moderator may do to the words of others. */
function moderating(comment: Comment, renew: () => Promise<void>): TemplateResult {
  const button = (verb: "hide" | "restore", picture: string): TemplateResult | typeof nothing => {
    if (!comment.may.includes(`moderation.${verb}`)) return nothing;
    const judge = (): void =>
      ask({
        key: `${verb}:${comment.uid}`,
        title: t(`comment.${verb}.title`),
        fields: [{ name: "reason", label: t("hide.reason"), type: "long-text", required: true, max_length: 1000 }],
        send: t(`comment.${verb}`),
        done: t(`comment.${verb}.done`),
        bad: verb === "hide",
        submit: async (values) => {
          await post(`/comments/${comment.uid}/${verb}`, values);
          await renew();
        },
      });
    return html`<button class="button button--quiet" @click=${judge}>${icon(picture)}${t(`comment.${verb}`)}</button>`;
  };
  return html`${button("restore", "eye")} ${button("hide", "eye-off")}`;
}
