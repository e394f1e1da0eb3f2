/** Telling a moderator that something is wrong with an asset or a comment. */

import { post } from "../../api/client";
import { label, t } from "../../i18n";
import { ask } from "../../parts/dialog";
import { signedIn } from "../../parts/visitor";

const REASONS = ["unlawful", "unsafe", "personal-details", "not-true", "not-local", "spam", "other"];

export function flag(asset: string, comment?: string): void {
  if (!signedIn()) return;
  ask({
    key: `flag:${comment ?? asset}`,
    title: t(comment ? "flag.comment" : "flag.title"),
    text: t("flag.text"),
    fields: [
      { name: "reason", label: t("flag.reason"), type: "choice", required: true, default: "other",
        options: REASONS.map((value) => ({ value, label: label("flag-reason", value) })) },
      { name: "text", label: t("flag.more"), type: "long-text", max_length: 2000 },
    ],
    send: t("flag.send"),
    done: t("flag.sent"),
    submit: ({ reason, text }) =>
      post(`/assets/${asset}/flags`, { reason, ...(text ? { text } : {}), ...(comment ? { comment } : {}) }),
  });
}
