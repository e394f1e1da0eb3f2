/** Between the compose form and the document of the API: which fields there are, and what their values make. */

import type { Asset, Field, Geometry, Kind, LocationClass } from "../api/types";
import { t } from "../i18n";
import type { Values } from "../parts/form";
import { world } from "../state";

/** Where the asset is: a geometry, a whole area, or neither. */
export interface Place {
  geometry: Geometry | null;
  area: string | null;
  location_class: LocationClass;
}

/** Fields of a kind carry this before their name, so that none meets a field that every asset has. */
const OWN = "details.";

/** Everything that is asked about an asset of this kind. */
export function fieldsOf(kind: Kind, amending: boolean): Field[] {
  return [
    { name: "title", label: t("field.title"), type: "text", required: true, max_length: 160 },
    { name: "summary", label: t("field.summary"), hint: t("field.summary.hint"), type: "long-text", max_length: 500 },
    { name: "theme", label: t("field.theme"), type: "choice", required: true, default: "other",
      options: world.themes.map(({ name, label }) => ({ value: name, label })) },
    { name: "starts_at", label: t("field.starts"), type: "date-time", required: kind.name === "event" },
    { name: "ends_at", label: t("field.ends"), type: "date-time" },
    ...kind.fields.map((field) => ({ ...field, name: OWN + field.name })),
    { name: "body", label: t("field.body"), hint: t("field.body.hint"), type: "long-text", max_length: 20000 },
    { name: "organiser", label: t("field.organiser"), hint: t("field.organiser.hint"), type: "text", max_length: 160 },
    { name: "website", label: t("field.website"), type: "url" },
    { name: "stage", label: t("field.stage"), type: "choice", required: true, default: kind.default_stage,
      options: kind.stages.filter((stage) => amending || stage.value !== "ended") },
  ];
}

export interface Section {
  name: string;
  fields: string[];
  folded: boolean;
}

/** The order in which they are asked. Required details stand open, the rest waits folded. */
export function sectionsOf(kind: Kind): Section[] {
  const dates = ["starts_at", "ends_at"];
  const dated = kind.name === "event";
  return [
    { name: "what", fields: ["title", "summary", ...(dated ? dates : [])], folded: false },
    { name: "where", fields: [], folded: false },
    { name: "details", fields: kind.fields.map((field) => OWN + field.name), folded: false },
    { name: "theme", fields: ["theme"], folded: false },
    { name: "more", fields: ["body", "organiser", "website", "stage", ...(dated ? [] : dates)], folded: true },
  ].filter((section) => section.fields.length > 0 || section.name === "where");
}

/** The form's values of an asset that is there. */
export function initialOf(asset: Asset): Values {
  const { details, ...rest } = asset.properties;
  return { ...rest, ...Object.fromEntries(Object.entries(details).map(([name, value]) => [OWN + name, value])) };
}

/** A new asset as POST /assets takes it. */
export function documentOf(kind: Kind, uid: string, state: string, values: Values, place: Place): object {
  const { geometry, ...where } = place;
  // What was left empty takes the service's own default.
  const { details, ...rest } = propertiesOf(values);
  const own = { kind: kind.name, ...filled(rest), details: filled(details as Values) };
  return { type: "Feature", id: uid, geometry, properties: { ...own, ...where, state, via: "web" } };
}

/** Only what differs from the asset as it was read, as a merge patch. */
export function changesOf(kind: Kind, asset: Asset, values: Values, place: Place): object {
  const now = propertiesOf(values);
  const before = propertiesOf(pick(initialOf(asset), fieldsOf(kind, true)));
  const properties: Values = {};
  for (const [name, value] of Object.entries(now)) if (!same(value, before[name])) properties[name] = value;
  const { area, location_class } = asset.properties;
  if (place.area !== (area?.code ?? null)) properties.area = place.area;
  if (place.location_class !== location_class) properties.location_class = place.location_class;
  const moved = !same(place.geometry, asset.geometry);
  return { ...(moved ? { geometry: place.geometry } : {}), properties };
}

function propertiesOf(values: Values): Values {
  const properties: Values = {};
  const details: Values = {};
  for (const [name, value] of Object.entries(values)) {
    if (name.startsWith(OWN)) details[name.slice(OWN.length)] = value;
    else properties[name] = value;
  }
  return { ...properties, details };
}

const filled = (values: Values): Values =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== null));

const pick = (values: Values, fields: Field[]): Values =>
  Object.fromEntries(fields.map(({ name }) => [name, values[name] ?? null]));

/** Equal as the API sees it: nothing, null and an empty text are one; instants by their moment. */
function same(one: unknown, other: unknown): boolean {
  if (typeof one === "object" && one && typeof other === "object" && other) {
    const names = new Set([...Object.keys(one), ...Object.keys(other)]);
    return [...names].every((name) => same((one as Values)[name], (other as Values)[name]));
  }
  if ((one ?? "") === (other ?? "")) return true;
  const instant = /^\d{4}-\d\d-\d\dT/;
  return typeof one === "string" && typeof other === "string" && instant.test(one) && instant.test(other)
    ? Math.abs(Date.parse(one) - Date.parse(other)) < 60_000
    : false;
}
