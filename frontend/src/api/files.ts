/** Files that the service makes: fetched, so that a refusal can be read, then handed to the reader. */

import { ApiError, problemOf } from "./client";
import { t } from "../i18n";

export interface Made {
  name: string;
  bytes: Blob;
}

/** Fetch a file by its path after /api/v1. Rejects as `call` does. */
export async function fetchFile(path: string, signal: AbortSignal): Promise<Made> {
  const response = await fetch(`/api/v1${path}`, { signal }).catch((error: unknown) => {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new ApiError(0, t("error.offline"));
  });
  if (!response.ok) throw problemOf(response.status, await response.json().catch(() => ({})));
  const named = /filename="([^"]+)"/.exec(response.headers.get("Content-Disposition") ?? "")?.[1];
  return { name: named ?? "wards.json", bytes: await response.blob() };
}

/** Let the browser save it under its name. */
export function handOver({ name, bytes }: Made): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(bytes);
  link.download = name;
  link.click();
  window.setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
