"""Who may do what, written by hand: the tables against which app/rules.py and every route are held.

A cell says what becomes of an act on a published, public asset: `+` allowed, `-` refused (403), `0` sign in first
(401), `h` hidden (404). SEEN says who may know of an asset in its other states; to everybody else it is hidden.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

#: How they stand to the asset, see factories.PEOPLE. `author` wrote the thing, `other` is the other side.
WHO = ("visitor", "stranger", "owner", "author", "other", "steward", "member", "officer", "far_officer", "councillor",
       "operator")  # fmt: skip

_TABLE = """
                        visitor stranger owner author other steward member officer far_officer councillor operator
map.read                   +       +       +     +      +      +      +       +        +           +         +
assets.read                +       +       +     +      +      +      +       +        +           +         +
assets.publish             0       +       +     +      +      +      +       +        +           +         +
assets.amend               0       -       +     -      -      +      -       -        -           -         -
assets.withdraw            0       -       +     -      -      +      -       -        -           -         -
appreciations.give         0       +       +     +      +      +      +       +        +           +         +
comments.write             0       +       +     +      +      +      +       +        +           +         +
comments.amend             0       -       -     +      -      -      -       -        -           -         -
comments.withdraw          0       -       -     +      -      -      -       -        -           -         -
needs.add                  0       -       +     -      -      +      -       -        -           -         -
needs.amend                0       -       +     -      -      +      -       -        -           -         -
needs.remove               0       -       +     -      -      +      -       -        -           -         -
needs.meet                 0       -       +     -      -      +      -       -        -           -         -
needs.close                0       -       +     -      -      +      -       -        -           -         -
needs.reopen               0       -       +     -      -      +      -       -        -           -         -
proposals.propose          0       +       +     +      +      +      +       +        +           +         +
proposals.amend            0       -       -     +      -      -      -       -        -           -         -
proposals.accept           0       -       +     -      -      +      -       -        -           -         -
proposals.decline          0       -       +     -      -      +      -       -        -           -         -
proposals.complete         0       -       +     -      -      +      -       -        -           -         -
proposals.withdraw         0       -       -     +      -      -      -       -        -           -         -
pledges.see                0       -       +     -      +      +      -       +        -           -         +
pledges.promise            0       +       +     +      +      +      +       +        +           +         +
pledges.confirm            0       h       +     -      +      +      h       -        h           h         -
pledges.fulfil             0       h       +     -      +      +      h       -        h           h         -
pledges.miss               0       h       +     -      +      +      h       -        h           h         -
pledges.withdraw           0       h       -     +      -      -      h       -        h           h         -
updates.post               0       -       +     -      -      +      -       -        -           -         -
updates.amend              0       -       +     +      -      +      -       -        -           -         -
updates.remove             0       -       +     +      -      +      -       -        -           -         -
links.ask                  0       -       +     -      -      +      -       -        -           -         -
links.decide               0       -       -     -      +      -      -       -        -           -         -
links.remove               0       -       +     -      +      +      -       -        -           -         -
flags.raise                0       +       +     +      +      +      +       +        +           +         +
flags.see                  0       -       -     -      -      -      -       +        -           -         +
flags.decide               0       h       h     -      h      h      h       +        h           h         +
moderation.hide            0       -       -     -      -      -      -       +        -           -         +
moderation.restore         0       -       -     -      -      -      -       +        -           -         +
reports.read               +       +       +     +      +      +      +       +        +           +         +
reports.order              0       +       +     +      +      +      +       +        +           +         +
desk.read                  0       -       -     -      -      -      -       +        +           +         +
desk.moderate              0       -       -     -      -      -      -       +        +           -         +
areas.bring_in             0       -       -     -      -      -      -       -        -           -         +
imports.bring_in           0       -       -     -      -      -      -       +        +           -         +
postcodes.bring_in         0       -       -     -      -      -      -       -        -           -         +
accounts.sign-in           +       +       +     +      +      +      +       +        +           +         +
accounts.self              0       +       +     +      +      +      +       +        +           +         +
service.read               +       +       +     +      +      +      +       +        +           +         +
"""

#: act → who → what becomes of it
TABLE: dict[str, dict[str, str]] = {
    line.split()[0]: dict(zip(WHO, line.split()[1:], strict=True)) for line in _TABLE.strip().splitlines()[1:]
}

#: What a key needs; an act that is not here can be done with no key at all, or (OPEN) with any.
SCOPES: dict[str, tuple[str, ...]] = {
    "assets:read": ("map.read", "assets.read"),
    "assets:write": (
        "assets.publish", "assets.amend", "assets.withdraw", "needs.add", "needs.amend", "needs.remove", "needs.meet",
        "needs.close", "needs.reopen", "updates.post", "updates.amend", "updates.remove", "links.ask", "links.decide",
        "links.remove",
    ),
    "take-part": (
        "appreciations.give", "comments.write", "comments.amend", "comments.withdraw", "proposals.propose",
        "proposals.amend", "proposals.accept", "proposals.decline", "proposals.complete", "proposals.withdraw",
        "pledges.see", "pledges.promise", "pledges.confirm", "pledges.fulfil", "pledges.miss", "pledges.withdraw",
        "flags.raise",
    ),
    "reports:read": ("reports.read", "reports.order", "desk.read"),
    "moderate": ("flags.see", "flags.decide", "moderation.hide", "moderation.restore", "desk.moderate"),
}  # fmt: skip
OPEN = ("accounts.sign-in", "service.read")
NO_KEY = ("accounts.self", "areas.bring_in", "imports.bring_in", "postcodes.bring_in")

#: Only what is published can be added to: for who sees it and may, these are 409 in every other state.
LIVE = (
    "appreciations.give", "comments.write", "needs.add", "proposals.propose", "pledges.promise", "updates.post",
    "links.ask",
)  # fmt: skip

_OURS = ("owner", "steward")
_WATCHED = ("owner", "steward", "officer", "operator")
#: state, audience → who may know that the asset is there
SEEN: dict[tuple[str, str], tuple[str, ...]] = {
    ("draft", "public"): _OURS,
    ("draft", "members"): _OURS,
    ("pending", "public"): _WATCHED,
    ("pending", "members"): _WATCHED,
    ("published", "public"): WHO,
    ("published", "members"): ("owner", "steward", "member", "officer", "operator"),
    ("hidden", "public"): _WATCHED,
    ("hidden", "members"): _WATCHED,
    ("withdrawn", "public"): _WATCHED,
    ("withdrawn", "members"): _WATCHED,
    ("removed", "public"): (),
    ("removed", "members"): (),
}

#: Acts that are about no thing, so that no state matters to them.
THINGLESS = (
    "map.read", "assets.publish", "reports.read", "reports.order", "desk.read", "desk.moderate", "areas.bring_in",
    "imports.bring_in", "postcodes.bring_in", "accounts.sign-in", "accounts.self", "service.read",
)  # fmt: skip


def verdict(act: str, who: str, state: str = "published", audience: str = "public") -> int:
    """The status that an act ends in by these tables; 200 stands for allowed."""
    cell = TABLE[act][who]
    if cell == "0":
        return 401
    if act not in THINGLESS and (cell == "h" or who not in SEEN[state, audience]):
        return 404
    if cell == "-":
        return 403
    return 409 if act in LIVE and state != "published" else 200


def scope_of(act: str) -> str | None:
    """The scope that a key needs for an act, by these tables."""
    return next((scope for scope, acts in SCOPES.items() if act in acts), None)


# Routes --------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Route:
    """A route with a request that succeeds in a fresh factories.Scene for who may make it.

    `{asset}`, `{need}` … in path and body are filled from the scene.
    """

    method: str
    path: str
    act: str
    success: int = 200
    body: Mapping[str, Any] | None = None
    scene: Mapping[str, Any] = field(default_factory=dict)
    otherwise: Mapping[str, int] = field(default_factory=dict)
    """state of the asset → the status for who may, where it is not `success`."""
    for_who: Mapping[str, int] = field(default_factory=dict)
    """who → the status for somebody who sees it and whom the route answers in a way of their own."""

    @property
    def name(self) -> str:
        """How docs and reports call it."""
        return f"{self.method} {self.path}"


_REASON = {"reason": "It names a child."}

#: Every route under /api/v1 that is about an asset or what belongs to one.
ROUTES: tuple[Route, ...] = (
    Route("GET", "/api/v1/assets/{asset}", "assets.read"),
    Route("PATCH", "/api/v1/assets/{asset}", "assets.amend", body={"properties": {"title": "New title"}}),
    Route("DELETE", "/api/v1/assets/{asset}", "assets.withdraw", 204),
    Route("POST", "/api/v1/assets/{asset}/hide", "moderation.hide", body=_REASON, otherwise={"hidden": 409}),
    Route(
        "POST", "/api/v1/assets/{asset}/restore", "moderation.restore", body=_REASON, scene={"state": "hidden"},
        otherwise={"published": 409},
    ),
    Route("PUT", "/api/v1/assets/{asset}/appreciation", "appreciations.give"),
    Route(
        "DELETE", "/api/v1/assets/{asset}/appreciation", "appreciations.give", otherwise={"hidden": 200, "draft": 200}
    ),
    Route("GET", "/api/v1/assets/{asset}/comments", "assets.read"),
    Route("POST", "/api/v1/assets/{asset}/comments", "comments.write", 201, {"text": "Well!"}),
    Route("PATCH", "/api/v1/comments/{comment}", "comments.amend", body={"text": "Better!"}),
    Route("DELETE", "/api/v1/comments/{comment}", "comments.withdraw", 204),
    Route("POST", "/api/v1/comments/{comment}/hide", "moderation.hide", body=_REASON),
    Route(  # who does not moderate does not see that it is there; its author does
        "POST", "/api/v1/comments/{comment}/restore", "moderation.restore", body=_REASON, scene={"comment": "hidden"},
        for_who=dict.fromkeys(("stranger", "owner", "other", "steward", "member", "far_officer", "councillor"), 404),
    ),
    Route("GET", "/api/v1/assets/{asset}/needs", "assets.read"),
    Route("POST", "/api/v1/assets/{asset}/needs", "needs.add", 201, {"kind": "space", "title": "A shed"}),
    Route("PATCH", "/api/v1/needs/{need}", "needs.amend", body={"title": "Two hands"}),
    Route("DELETE", "/api/v1/needs/{need}", "needs.remove", 204),
    Route("POST", "/api/v1/needs/{need}/meet", "needs.meet", body={"quantity": 1}),
    Route("POST", "/api/v1/needs/{need}/close", "needs.close"),
    Route("POST", "/api/v1/needs/{need}/reopen", "needs.reopen", scene={"need": "closed"}),
    Route("GET", "/api/v1/assets/{asset}/proposals", "assets.read"),
    Route("POST", "/api/v1/assets/{asset}/proposals", "proposals.propose", 201, {"title": "I could paint"}),
    Route("PATCH", "/api/v1/proposals/{proposal}", "proposals.amend", body={"title": "I could dig deep"}),
    Route("POST", "/api/v1/proposals/{proposal}/accept", "proposals.accept"),
    Route("POST", "/api/v1/proposals/{proposal}/decline", "proposals.decline", body={"why": "Not now."}),
    Route("POST", "/api/v1/proposals/{proposal}/complete", "proposals.complete", scene={"proposal": "accepted"}),
    Route("POST", "/api/v1/proposals/{proposal}/withdraw", "proposals.withdraw"),
    Route("GET", "/api/v1/proposals/{offered}/pledges", "assets.read"),
    Route("POST", "/api/v1/proposals/{proposal}/pledges", "pledges.promise", 201, {"hours_promised": 1.5}),
    Route("POST", "/api/v1/pledges/{pledge}/confirm", "pledges.confirm"),
    Route(
        "POST", "/api/v1/pledges/{pledge}/fulfil", "pledges.fulfil", 200, {"hours_given": 2}, {"pledge": "confirmed"}
    ),
    Route("POST", "/api/v1/pledges/{pledge}/miss", "pledges.miss", scene={"pledge": "confirmed"}),
    Route("POST", "/api/v1/pledges/{pledge}/withdraw", "pledges.withdraw"),
    Route("GET", "/api/v1/assets/{asset}/updates", "assets.read"),
    Route("POST", "/api/v1/assets/{asset}/updates", "updates.post", 201, {"text": "It grows."}),
    Route("PATCH", "/api/v1/updates/{update}", "updates.amend", body={"text": "It grew."}),
    Route("DELETE", "/api/v1/updates/{update}", "updates.remove", 204),
    Route("GET", "/api/v1/assets/{asset}/links", "assets.read"),
    Route(
        "POST", "/api/v1/assets/{asset}/links", "links.ask", 201, {"kind": "partner_of", "to": "{other_asset}"}
    ),
    Route("PATCH", "/api/v1/links/{link}", "links.decide", body={"state": "agreed"}),
    Route("DELETE", "/api/v1/links/{link}", "links.remove", 204),
    Route("GET", "/api/v1/assets/{asset}/flags", "flags.see"),
    Route("POST", "/api/v1/assets/{asset}/flags", "flags.raise", 201, {"reason": "spam"}),
    Route("POST", "/api/v1/flags/{flag}/uphold", "flags.decide", body=_REASON, scene={"flagged": "open"}),
    Route("POST", "/api/v1/flags/{flag}/dismiss", "flags.decide", body=_REASON, scene={"flagged": "open"}),
)  # fmt: skip

#: The rest: route → its act. Their own tests play them.
OTHERS: dict[str, str] = {
    "GET /api/v1/assets": "assets.read",
    "GET /api/v1/assets/facets": "assets.read",
    "POST /api/v1/assets": "assets.publish",
    "POST /api/v1/sign-in": "accounts.sign-in",
    "POST /api/v1/sign-in/complete": "accounts.sign-in",
    "POST /api/v1/sign-out": "accounts.sign-in",
    "GET /api/v1/me": "accounts.self",
    "PATCH /api/v1/me": "accounts.self",
    "DELETE /api/v1/me": "accounts.self",
    "GET /api/v1/me/keys": "accounts.self",
    "POST /api/v1/me/keys": "accounts.self",
    "DELETE /api/v1/me/keys/{key}": "accounts.self",
    "GET /api/v1/kinds": "service.read",
    "GET /api/v1/themes": "service.read",
    "GET /api/v1/limits": "service.read",
    "GET /api/v1/settings": "service.read",
    "GET /api/v1/areas": "service.read",
    "GET /api/v1/areas.geojson": "service.read",
    "GET /api/v1/areas/{code}": "service.read",
    "GET /api/v1/boundary-sets": "service.read",
    "GET /api/v1/postcodes/{postcode}": "service.read",
    "GET /api/v1/reports/wards": "reports.read",
    "GET /api/v1/reports/wards.csv": "reports.read",
    "GET /api/v1/reports/wards.xlsx": "reports.read",
    "GET /api/v1/reports/wards.geojson": "reports.read",
    "GET /api/v1/reports/wards.gpkg": "reports.read",
    "GET /api/v1/reports/wards.pdf": "reports.read",
    "GET /api/v1/reports/wards/brief.pdf": "reports.read",
    "POST /api/v1/reports/jobs": "reports.order",
    "GET /api/v1/reports/jobs": "reports.order",
    "GET /api/v1/reports/jobs/{job}": "reports.order",
    "DELETE /api/v1/reports/jobs/{job}": "reports.order",
    "GET /api/v1/reports/jobs/{job}/file": "reports.order",
    "GET /api/v1/desk": "desk.read",
    "GET /api/v1/desk/flags": "desk.moderate",
    "GET /api/v1/desk/hidden": "desk.moderate",
    "GET /api/v1/imports": "imports.bring_in",
    "POST /api/v1/imports": "imports.bring_in",
    "GET /api/v1/imports/{uid}": "imports.bring_in",
    "PATCH /api/v1/imports/{uid}": "imports.bring_in",
    "DELETE /api/v1/imports/{uid}": "imports.bring_in",
    "POST /api/v1/imports/{uid}/confirm": "imports.bring_in",
    "POST /api/v1/imports/{uid}/undo": "imports.bring_in",
    "GET /api/v1/imports/{uid}/rows": "imports.bring_in",
    "GET /api/v1/imports/{uid}/map.geojson": "imports.bring_in",
    "GET /api/v1/imports/{uid}/rejects.csv": "imports.bring_in",
    "POST /api/v1/imports/rows/{row}/place": "imports.bring_in",
    "GET /api/v1/sources": "imports.bring_in",
    "GET /tiles/{z}/{x}/{y}.mvt": "map.read",
    "GET /tiles/areas/{level}/{z}/{x}/{y}.mvt": "map.read",
    "GET /tiles.json": "map.read",
    "GET /style.json": "map.read",
    "GET /ogc": "map.read",
    "GET /ogc/": "map.read",
    "GET /ogc/conformance": "map.read",
    "GET /ogc/api": "map.read",
    "GET /ogc/collections": "map.read",
    "GET /ogc/collections/{collection_id}": "map.read",
    "GET /ogc/collections/{collection_id}/queryables": "map.read",
    "GET /ogc/collections/{collection_id}/schema": "map.read",
    "GET /ogc/collections/{collection_id}/feature-schema": "map.read",
    "GET /ogc/collections/{collection_id}/items": "map.read",
    "GET /ogc/collections/{collection_id}/items/{feature_id}": "map.read",
    "GET /ogc/collections/{collection_id}/tiles": "map.read",
    "GET /ogc/collections/{collection_id}/tiles/{grid}": "map.read",
    "GET /ogc/collections/{collection_id}/tiles/{grid}/{matrix}/{row}/{col}": "map.read",
    "GET /ogc/tiles": "map.read",
    "GET /ogc/tiles/{grid}": "map.read",
    "GET /ogc/tiles/{grid}/{matrix}/{row}/{col}": "map.read",
    "GET /ogc/tileMatrixSets": "map.read",
    "GET /ogc/tileMatrixSets/{grid}": "map.read",
    "GET /health/live": "service.read",
    "GET /health/ready": "service.read",
}
