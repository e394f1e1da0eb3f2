/** What a visitor may not do yet: they are led to sign in, and back to where they were. */

import { world } from "../state";
import { go } from "../router";

/** True when somebody is signed in. A visitor is led to sign in and comes back here. */
export function signedIn(): boolean {
  if (world.viewer) return true;
  go(signInAddress());
  return false;
}

/** The sign-in page, with the way back to this one. */
export function signInAddress(): string {
  const here = location.pathname === "/sign-in" ? "/" : location.pathname + location.search;
  return `/sign-in?${new URLSearchParams({ next: here }).toString()}`;
}
