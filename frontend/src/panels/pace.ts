/** How often something may be done that anybody's doings call for. */

/** The act, done at most `burst` times at once and from then on once in `apart` milliseconds. A call too many is not
 *  lost: it is made up for, once for all of them, as soon as may be. */
export function paced(act: () => void, burst: number, apart: number): () => void {
  let spare = burst;
  let owed = false;
  const regain = (): void => {
    if (!owed) spare += 1;
    if (spare < burst) window.setTimeout(regain, apart);
    if (owed) { owed = false; act(); }
  };
  return () => {
    if (!spare) { owed = true; return; }
    if (spare === burst) window.setTimeout(regain, apart);
    spare -= 1;
    act();
  };
}
