/** Calls to /api/v1. Every failure is an ApiError that says what happened in words fit to show. */

import { t } from "../i18n";
import type { Items } from "./types";

/** A refused or failed call. `status` is 0 when no answer came; `errors` name the fields at fault. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly detail: string,
    readonly errors: { loc: (string | number)[]; msg: string }[] = [],
  ) {
    super(detail);
    this.name = "ApiError";
  }
}

export interface Reply<T> {
  data: T;
  etag: string | null;
}

export interface CallOptions {
  query?: Record<string, string> | URLSearchParams;
  body?: unknown;
  /** Sent as If-Match: the change is made only to the version that was read. */
  etag?: string | null;
  /** Sent as Idempotency-Key: the same call twice makes one thing. */
  key?: string;
  signal?: AbortSignal;
}

type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";

const BASE = "/api/v1";

/** One call. `path` begins after /api/v1, or is a whole `next` address of ours. Aborts reject with AbortError. */
export async function call<T>(method: Method, path: string, options: CallOptions = {}): Promise<Reply<T>> {
  const headers = new Headers({ Accept: "application/json" });
  if (method !== "GET") headers.set("Content-Type", "application/json");
  if (options.etag) headers.set("If-Match", options.etag);
  if (options.key) headers.set("Idempotency-Key", options.key);
  const response = await send(address(path, options.query), {
    method,
    headers,
    body: options.body === undefined ? null : JSON.stringify(options.body),
    signal: options.signal ?? null,
  });
  if (!response.ok) throw problemOf(response.status, await response.json().catch(() => ({})));
  const data = (response.status === 204 ? null : await response.json()) as T;
  return { data, etag: response.headers.get("ETag") };
}

export const get = async <T>(path: string, query?: CallOptions["query"], signal?: AbortSignal): Promise<T> =>
  (await call<T>("GET", path, { ...(query && { query }), ...(signal && { signal }) })).data;

/** Every item of a list, page after page. */
export async function getAll<T>(path: string): Promise<T[]> {
  const items: T[] = [];
  for (let page = await get<Items<T>>(path, { limit: "200" }); ; page = await get<Items<T>>(page.next)) {
    items.push(...page.items);
    if (!page.next) return items;
  }
}

export const post = async <T>(path: string, body: unknown = {}, key?: string): Promise<T> =>
  (await call<T>("POST", path, { body, ...(key && { key }) })).data;

/** True for the rejection of a call that we gave up ourselves. */
export const aborted = (error: unknown): boolean => error instanceof DOMException && error.name === "AbortError";

/** What to tell the reader about any failure. */
export const words = (error: unknown): string => (error instanceof ApiError ? error.detail : t("error.unknown"));

/** A weak-free ETag from a thing's version, for things that arrive in lists and so without a header of their own. */
export const versionTag = (thing: { version: number }): string => `"${thing.version}"`;

function address(path: string, query?: CallOptions["query"]): string {
  const url = new URL(path.startsWith("/api/") || path.startsWith("http") ? path : BASE + path, location.origin);
  // A `next` link may name the public address of a proxy: keep to the origin that served this page.
  const own = url.pathname + url.search;
  const text = query ? new URLSearchParams(query).toString() : "";
  return text ? own + (url.search ? "&" : "?") + text : own;
}

async function send(url: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(url, init);
  } catch (error) {
    if (aborted(error)) throw error;
    throw new ApiError(0, t("error.offline"));
  }
}

/** What a refusal says, whose body (RFC 9457, or anything) was read already. */
export function problemOf(status: number, said: unknown): ApiError {
  interface Problem {
    title?: string;
    detail?: string;
    errors?: { loc: (string | number)[]; msg: string }[];
  }
  const body = (said ?? {}) as Problem;
  return new ApiError(status, body.detail ?? body.title ?? t("error.unknown"), body.errors ?? []);
}
