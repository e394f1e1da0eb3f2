/** Bars as SVG. Whatever a chart shows stands in a table too: the drawing is one picture with a sentence for those who
 *  cannot see it. */

import { html, nothing, svg, type TemplateResult } from "lit-html";
import { number, t } from "../i18n";

export interface Bar {
  label: string;
  /** Null where the figure is not shown. */
  value: number | null;
  before?: number | null;
}

/** Pixels of a bar's line: its words above, the bar below. */
const LINE = 42;
const THICK = 12;

/** Bars under a title; `own` adds their numbers as a table where no other table on the page holds them. */
export function chart(title: string, bars: Bar[], options: { own: boolean; head: string }): TemplateResult {
  const most = Math.max(...bars.flatMap(({ value, before }) => [value ?? 0, before ?? 0]), 0);
  const compared = bars.some(({ before }) => before !== null && before !== undefined);
  return html`<figure class="chart">
    <figcaption>${title}${compared ? html` <span class="soft small">${t("chart.tick")}</span>` : nothing}</figcaption>
    <svg class="chart__bars" role="img" aria-label=${t(options.own ? "chart.says-own" : "chart.says", { title })}
      width="100%" height=${bars.length * LINE}>${bars.map((bar, at) => barView(bar, at * LINE, most))}</svg>
    ${options.own ? tableOf(title, bars, options.head, compared) : nothing}
  </figure>`;
}

function barView({ label, value, before }: Bar, top: number, most: number): TemplateResult {
  const share = (of: number): string => `${most ? Math.max((of / most) * 100, of ? 0.6 : 0) : 0}%`;
  return svg`<text x="0" y=${top + 16}>${label}</text>
    <text class="chart__value" x="100%" y=${top + 16} text-anchor="end">${value === null ? "–" : number(value)}</text>
    <rect class="chart__ground" x="0" y=${top + 22} width="100%" height=${THICK} rx="3"></rect>
    <rect class="chart__bar" x="0" y=${top + 22} width=${share(value ?? 0)} height=${THICK} rx="3"></rect>
    ${before === null || before === undefined ? nothing : svg`<rect class="chart__tick" x=${share(before)} y=${top + 19}
      width="3" height=${THICK + 6} transform="translate(-1.5 0)"></rect>`}`;
}

const tableOf = (title: string, bars: Bar[], head: string, compared: boolean): TemplateResult => html`<details class="chart__table">
  <summary>${t("chart.table")}</summary>
  <table>
    <caption class="for-readers">${title}</caption>
    <thead><tr><th scope="col">${head}</th><th scope="col">${t("chart.now")}</th>${compared ? html`<th scope="col">${t("chart.before")}</th>` : nothing}</tr></thead>
    <tbody>
      ${bars.map(({ label, value, before }) => html`<tr><th scope="row">${label}</th><td>${value === null ? "–" : number(value)}</td>${compared ? html`<td>${typeof before === "number" ? number(before) : "–"}</td>` : nothing}</tr>`)}
    </tbody>
  </table>
</details>`;
