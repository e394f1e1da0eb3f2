"""Everything that can go wrong for a caller, as RFC 9457 problems.

An action raises a named subclass; the HTTP layer renders it, the command line prints its detail.
A database constraint that fails is looked up in CONSTRAINTS, so that no action has to check before it writes.
"""

from typing import Any, ClassVar


class Problem(Exception):
    """A refusal that its reader can understand: `detail` says what is wrong and what would be right."""

    status: ClassVar[int] = 500
    slug: ClassVar[str] = "internal-error"
    title: ClassVar[str] = "Something went wrong on our side"
    default_detail: ClassVar[str] = ""

    def __init__(self, detail: str = "", *, headers: dict[str, str] | None = None, **extra: Any) -> None:
        self.detail = detail or self.default_detail or self.title
        self.headers = headers or {}
        self.extra = extra
        super().__init__(self.detail)

    def body(self, instance: str | None = None) -> dict[str, Any]:
        """The RFC 9457 members; `type` is a stable relative reference documented in docs/api.md."""
        body = {"type": f"/problems/{self.slug}", "title": self.title, "status": self.status, "detail": self.detail}
        if instance:
            body["instance"] = instance
        return body | self.extra


class Invalid(Problem):
    status, slug, title = 422, "invalid", "The request is not valid"


class BadRequest(Problem):
    status, slug, title = 400, "bad-request", "The request could not be read"
    default_detail = "The body must be JSON in UTF-8."


class NotSignedIn(Problem):
    status, slug, title = 401, "not-signed-in", "You are not signed in"
    default_detail = "Sign in, or send an API key as 'Authorization: Bearer …'."

    def __init__(self, detail: str = "") -> None:
        super().__init__(detail, headers={"WWW-Authenticate": "Bearer"})


class Forbidden(Problem):
    status, slug, title = 403, "forbidden", "You may not do this"


class CrossSite(Forbidden):
    slug, title = "cross-site", "This request came from another site"
    default_detail = "A browser may change things here only from this site's own pages. Use an API key from elsewhere."


class NotFound(Problem):
    status, slug, title = 404, "not-found", "Nothing was found here"
    default_detail = "There is nothing at this address, or it is not public."


class MethodNotAllowed(Problem):
    status, slug, title = 405, "method-not-allowed", "This address does not take that method"
    default_detail = "The Allow header names the methods that it takes."


class Conflict(Problem):
    status, slug, title = 409, "conflict", "This clashes with what is already there"


class UidTaken(Conflict):
    slug, title = "uid-taken", "That uid is already used"
    default_detail = "An asset with this uid exists and differs from yours. Choose another uid, or leave it out."


class IllegalTransition(Conflict):
    slug, title = "illegal-transition", "That step is not possible now"


class ProposalFull(Conflict):
    slug, title = "proposal-full", "All places are taken"
    default_detail = "Every place on this proposal has been pledged."


class AlreadyPledged(Conflict):
    slug, title = "already-pledged", "You have already pledged"
    default_detail = "You have an open pledge on this proposal."


class AlreadyLinked(Conflict):
    slug, title = "already-linked", "These two are already linked"
    default_detail = "A link of this kind between these two assets exists."


class InFlight(Conflict):
    slug, title = "in-flight", "The same request is still running"
    default_detail = "A request with this Idempotency-Key is being handled. Try again in a moment."

    def __init__(self, detail: str = "") -> None:
        super().__init__(detail, headers={"Retry-After": "1"})


class KeyReused(Invalid):
    slug, title = "idempotency-key-reused", "That Idempotency-Key belongs to another request"
    default_detail = "This Idempotency-Key was used with a different request. Use a fresh key for a new request."


class PreconditionRequired(Problem):
    status, slug, title = 428, "precondition-required", "Say which version you are changing"
    default_detail = "Send If-Match with the ETag you last read, so that nobody's change is overwritten unseen."


class PreconditionFailed(Problem):
    status, slug, title = 412, "stale", "Somebody changed this in the meantime"
    default_detail = "Your copy is not the latest. Read it again, then make your change on the new version."


class NotAcceptable(Problem):
    status, slug, title = 406, "not-acceptable", "This address has no such format"


class TooLarge(Problem):
    status, slug, title = 413, "too-large", "The request is too large"


class ReportTooLarge(TooLarge):
    slug, title = "report-too-large", "This report is too large to be written while you wait"


class UnsupportedMediaType(Problem):
    status, slug, title = 415, "unsupported-media-type", "This address does not take that media type"


class TooMany(Problem):
    status, slug, title = 429, "too-many-requests", "Too many requests"

    def __init__(self, detail: str, *, retry_after_s: int) -> None:
        super().__init__(detail, headers={"Retry-After": str(max(1, retry_after_s))})


class Busy(Problem):
    status, slug, title = 503, "busy", "The service is busy"
    default_detail = "The service could not answer in time. Nothing was changed. Try again in a few seconds."

    def __init__(self, detail: str = "") -> None:
        super().__init__(detail, headers={"Retry-After": "2"})


class DatabaseAway(Busy):
    slug, title = "database-away", "The database does not answer"
    default_detail = "The service cannot reach its database. Nothing was changed. Try again in a few seconds."


def kinds() -> list[type[Problem]]:
    """Every kind of problem that there is."""
    found: list[type[Problem]] = [Problem]
    for kind in found:
        found += kind.__subclasses__()
    return found


#: constraint name → the problem it means. A name that is missing here is a fault of ours: 500.
CONSTRAINTS: dict[str, tuple[type[Problem], str]] = {
    "uq_asset_uid": (UidTaken, ""),
    "uq_link_from_id_to_id_kind": (AlreadyLinked, ""),
    "ck_link_distinct": (Invalid, "An asset cannot be linked to itself."),
    "uq_pledge_open_per_person": (AlreadyPledged, ""),
    "ck_proposal_places": (ProposalFull, ""),
    "ck_asset_dates": (Invalid, "ends_at must not be before starts_at."),
    "ck_asset_place": (Invalid, "An asset has a geometry, or an area, or neither; not both."),
    "ck_asset_latitude": (Invalid, "Latitude must lie between -85.05 and 85.05 degrees."),
}


def of_constraint(name: str | None) -> Problem | None:
    """The problem that a failed constraint means, or None when it has no meaning for a caller."""
    known = CONSTRAINTS.get(name or "")
    return known[0](known[1]) if known else None


def illegal_transition(thing: str, old: str, new: str) -> IllegalTransition:
    """The problem for a step that a thing's life cycle does not have."""
    return IllegalTransition(f"A {thing} that is '{old}' cannot become '{new}'.")
