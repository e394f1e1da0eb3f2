/** Sending a file, with word of how much of it has gone. */

import { ApiError, problemOf } from "./client";
import { t } from "../i18n";

/** Send the file as it is. `tell` hears the share that was sent, 0 to 1. Rejects as `call` does. */
export function upload<T>(path: string, file: Blob, tell: (share: number) => void, signal: AbortSignal): Promise<T> {
  return new Promise((take, refuse) => {
    const sending = new XMLHttpRequest();
    sending.open("POST", `/api/v1${path}`);
    sending.setRequestHeader("Accept", "application/json");
    sending.setRequestHeader("Content-Type", "application/octet-stream");
    sending.upload.addEventListener("progress", ({ loaded, total }) => tell(total ? loaded / total : 0));
    sending.addEventListener("load", () => {
      const body = read(sending.responseText);
      if (sending.status < 400) take(body as T);
      else refuse(problemOf(sending.status, body));
    });
    sending.addEventListener("error", () => refuse(new ApiError(0, t("error.offline"))));
    sending.addEventListener("abort", () => refuse(new DOMException("Given up.", "AbortError")));
    signal.addEventListener("abort", () => sending.abort());
    sending.send(file);
  });
}

function read(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return {};
  }
}
