/** A Vite plugin: `virtual:icons` holds the drawings of the Lucide icons that the page may show, as plain data. */

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import type { Plugin } from "vite";

/** Icons of the page itself, then those that a kind may name in app/kinds. Any other name falls back to map-pin. */
const NAMES = [
  "arrow-left", "arrow-right", "calendar", "check", "chevron-down", "chevron-up", "circle-help", "clock", "download",
  "external-link", "eye", "eye-off", "flag", "heart", "info", "key-round", "link-2", "list", "locate-fixed", "lock", "log-out",
  "map", "map-pin", "map-pin-off", "message-circle", "minus", "pencil", "plus", "search", "sliders-horizontal",
  "square-dashed", "table-2", "trash-2", "triangle-alert", "undo-2", "upload", "user-round", "users-round", "x",
  "apple", "baby", "bike", "book-open", "brush", "building-2", "bus", "calendar-heart", "camera", "carrot", "cat",
  "church", "coffee", "cross", "dog", "droplets", "dumbbell", "flower-2", "gift", "graduation-cap", "hammer",
  "hand-heart", "hand-helping", "handshake", "heart-handshake", "house", "landmark", "laptop", "leaf", "library",
  "life-buoy", "lightbulb", "megaphone", "music", "paintbrush", "palette", "party-popper", "piggy-bank", "recycle",
  "scale", "school", "shield", "shopping-basket", "shovel", "sparkles", "sprout", "star", "stethoscope", "store",
  "sun", "tent", "theater", "toilet", "tree-deciduous", "trees", "trophy", "truck", "users", "utensils", "volleyball",
  "warehouse", "wheat", "wrench", "zap",
];

const ID = "virtual:icons";

export function icons(): Plugin {
  return {
    name: "icons",
    resolveId: (id) => (id === ID ? `\0${ID}` : undefined),
    load: (id) => (id === `\0${ID}` ? `export default ${JSON.stringify(drawings())}` : undefined),
  };
}

type Part = [tag: string, attributes: Record<string, string>];

function drawings(): Record<string, Part[]> {
  // The pictures rather than the package's index: old names of an icon are there too.
  const folder = join(dirname(createRequire(import.meta.url).resolve("lucide-static/package.json")), "icons");
  return Object.fromEntries(NAMES.map((name) => [name, parts(readFileSync(join(folder, `${name}.svg`), "utf8"))]));
}

/** The drawn elements of an SVG file, as plain data: the page makes DOM nodes of them, never markup. */
function parts(svg: string): Part[] {
  const inside = svg.slice(svg.indexOf(">", svg.indexOf("<svg")) + 1);
  return [...inside.matchAll(/<([a-z]+)\s([^>]*?)\/>/g)].map(([, tag = "", attributes = ""]) => [
    tag,
    Object.fromEntries([...attributes.matchAll(/([\w-]+)="([^"]*)"/g)].map(([, name = "", value = ""]) => [name, value])),
  ]);
}
