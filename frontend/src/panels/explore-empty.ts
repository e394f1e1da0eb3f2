/** What the list says when it is empty: what could be here, and the first step towards it. */

import { html, type TemplateResult } from "lit-html";
import { t } from "../i18n";
import { mark } from "../parts/mark";
import { keepQuery } from "../router";
import { type Filters, isFiltered, kindOf, NO_FILTERS, world } from "../state";

export function emptyView(filters: Filters, change: (part: Partial<Filters>) => void): TemplateResult {
  const kinds = filters.kind.length ? filters.kind : world.kinds.map((kind) => kind.name);
  const only = filters.kind.length === 1 ? kindOf(filters.kind[0] ?? "") : null;
  return html`<div class="empty">
    <p class="empty__marks">${kinds.map(mark)}</p>
    <h2>${heading(filters, only?.label_plural)}</h2>
    <p class="soft">${only?.hint || t("empty.could")}</p>
    <div class="buttons">
      <a class="button button--main" href=${keepQuery(only ? `/new/${only.name}` : "/new")}>${only?.call ?? t("nav.add")}</a>
      ${isFiltered(filters)
        ? html`<button class="button" @click=${() => change({ ...NO_FILTERS })}>${t("filters.clear")}</button>`
        : ""}
    </div>
  </div>`;
}

function heading(filters: Filters, plural: string | undefined): string {
  if (filters.q.trim()) return t("empty.words", { words: filters.q.trim() });
  if (plural) return t("empty.kind", { kinds: plural.toLocaleLowerCase("en-GB") });
  return t(isFiltered(filters) ? "empty.filtered" : "empty.all");
}
