/** What became of something that was sent to the map. */

import type { Asset } from "../api/types";
import { t } from "../i18n";

/** The words for it. The service may hold new content back for a moderator. */
export const outcome = ({ properties }: Asset): string =>
  t(properties.state === "published" ? "published" : properties.state === "pending" ? "kept-pending" : "kept-draft");
