/** The steps of the choropleth: equal width from nothing to the highest. */

/** How many shades there are. */
export const STEPS = 5;

/** The step of a value, 0 to 4. Where every value is nothing, all are step 0. */
export function steps(values: number[]): (value: number) => number {
  const top = Math.max(...values, 0);
  return (value) => (top === 0 ? 0 : Math.min(STEPS - 1, Math.floor((value / top) * STEPS)));
}

/** Each step that values can fall in with its least and highest whole value, for a legend. */
export function bounds(values: number[]): [step: number, from: number, to: number][] {
  const top = Math.max(...values, 0);
  const step = steps(values);
  const whole = values.every(Number.isInteger);
  const list: [number, number, number][] = [];
  for (let at = 0; at < STEPS; at += 1) {
    const [from, to] = [(top * at) / STEPS, (top * (at + 1)) / STEPS];
    if (!whole) list.push([at, from, to]);
    else {
      const first = Math.ceil(from);
      const last = at === STEPS - 1 ? top : Math.ceil(to) - 1;
      if (first <= last && step(first) === at) list.push([at, first, last]);
    }
    if (top === 0) return [[0, 0, 0]];
  }
  return list;
}
