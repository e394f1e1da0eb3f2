/** The map, for panels that do not know Leaflet. It is fetched when a panel first wants it. */

import type { CivicMap } from "./map";

let opening: Promise<CivicMap> | null = null;

export const theMap = (): Promise<CivicMap> => (opening ??= import("./map").then((module) => module.CivicMap.open()));

/** Do something with the map if it has been opened; pages that stand alone never open it. */
export const ifMap = (act: (map: CivicMap) => void): void => void opening?.then(act);
