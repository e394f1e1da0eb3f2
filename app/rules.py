"""Who may do what: the one file that answers "may I?" and, as SQL, "which ones may I?".

RULES names every act. `admit` asks what can be known before anything is loaded (signed in? the key's scope?),
`require` asks about one thing, `visible` is the same question about assets as a WHERE clause.
Three outcomes: allowed; refused (Forbidden, NotSignedIn); hidden (NotFound, the same as an unknown id).
"""

from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, exists, false, or_, true

from app import errors
from app.auth import Actor
from app.models import Asset, AssetArea, Comment, Flag, Link, Need, Pledge, Proposal, Update

Thing = Asset | Comment | Need | Proposal | Pledge | Update | Link | Flag

ANYONE, SIGNED_IN = "anyone", "signed-in"
OWNER, AUTHOR, OTHER_SIDE = "owner", "author", "other-side"
OFFICER, COUNCILLOR, OPERATOR = "officer", "councillor", "operator"


@dataclass(frozen=True)
class Rule:
    """One act: which relations may do it (any suffices), which may not for all that, and the scope a key needs."""

    scope: str
    allow: frozenset[str]
    never: frozenset[str] = frozenset()
    live: bool = False
    """True when the asset must be published: nobody adds to what is hidden or withdrawn."""
    anywhere: bool = False
    """True when it is about no one thing: who holds such an office for any area may begin; `areas_of` says where."""


def _rule(scope: str, *allow: str, never: tuple[str, ...] = (), live: bool = False, anywhere: bool = False) -> Rule:
    return Rule(scope, frozenset(allow), frozenset(never), live, anywhere)


#: act → rule. "owner" is the asset's owner or a steward of its community; "author" whoever wrote the thing itself.
RULES: dict[str, Rule] = {
    "map.read": _rule("assets:read", ANYONE),
    "assets.read": _rule("assets:read", ANYONE),
    "assets.publish": _rule("assets:write", SIGNED_IN),
    "assets.amend": _rule("assets:write", OWNER),
    "assets.withdraw": _rule("assets:write", OWNER),
    "appreciations.give": _rule("take-part", SIGNED_IN, live=True),
    "comments.write": _rule("take-part", SIGNED_IN, live=True),
    "comments.amend": _rule("take-part", AUTHOR),
    "comments.withdraw": _rule("take-part", AUTHOR),
    "needs.add": _rule("assets:write", OWNER, live=True),
    "needs.amend": _rule("assets:write", OWNER),
    "needs.remove": _rule("assets:write", OWNER),
    "needs.meet": _rule("assets:write", OWNER),
    "needs.close": _rule("assets:write", OWNER),
    "needs.reopen": _rule("assets:write", OWNER),
    "proposals.propose": _rule("take-part", SIGNED_IN, live=True),
    "proposals.amend": _rule("take-part", AUTHOR),
    "proposals.accept": _rule("take-part", OWNER),
    "proposals.decline": _rule("take-part", OWNER),
    "proposals.complete": _rule("take-part", OWNER),
    "proposals.withdraw": _rule("take-part", AUTHOR),
    "pledges.see": _rule("take-part", OWNER, AUTHOR, OFFICER, OPERATOR),
    "pledges.promise": _rule("take-part", SIGNED_IN, live=True),
    "pledges.confirm": _rule("take-part", OWNER, OTHER_SIDE),
    "pledges.fulfil": _rule("take-part", OWNER, OTHER_SIDE),
    "pledges.miss": _rule("take-part", OWNER, OTHER_SIDE),
    "pledges.withdraw": _rule("take-part", AUTHOR),
    "updates.post": _rule("assets:write", OWNER, live=True),
    "updates.amend": _rule("assets:write", AUTHOR, OWNER),
    "updates.remove": _rule("assets:write", AUTHOR, OWNER),
    "links.ask": _rule("assets:write", OWNER, live=True),
    "links.decide": _rule("assets:write", OTHER_SIDE),
    "links.remove": _rule("assets:write", OWNER, OTHER_SIDE),
    "flags.raise": _rule("take-part", SIGNED_IN),
    "flags.see": _rule("moderate", OFFICER, OPERATOR),
    "flags.decide": _rule("moderate", OFFICER, OPERATOR, never=(OWNER, AUTHOR)),
    "moderation.hide": _rule("moderate", OFFICER, OPERATOR, never=(OWNER, AUTHOR)),
    "moderation.restore": _rule("moderate", OFFICER, OPERATOR, never=(OWNER, AUTHOR)),
    "reports.read": _rule("reports:read", ANYONE),
    "reports.order": _rule("reports:read", SIGNED_IN),
    "desk.read": _rule("reports:read", OFFICER, COUNCILLOR, OPERATOR, anywhere=True),
    "desk.moderate": _rule("moderate", OFFICER, OPERATOR, anywhere=True),
    "areas.bring_in": _rule("", OPERATOR, anywhere=True),
    "imports.bring_in": _rule("", OFFICER, OPERATOR, anywhere=True),
    "postcodes.bring_in": _rule("", OPERATOR, anywhere=True),
    "accounts.sign-in": _rule("", ANYONE),
    "accounts.self": _rule("", SIGNED_IN),
    "service.read": _rule("", ANYONE),
}


def admit(actor: Actor, act: str) -> None:
    """Refuse what can be refused before anything is loaded.

    Raises NotSignedIn for a visitor where an account is needed, Forbidden for a key without the scope and for whoever
    holds no office where one is needed.
    """
    rule = RULES[act]
    if actor.kind == "system" or (not rule.scope and ANYONE in rule.allow):
        return
    if not holds(actor, act):
        what = f"the scope '{rule.scope}'" if rule.scope else "a signed-in person: no key can do it"
        raise errors.Forbidden(f"This needs {what}.")
    if not actor.signed_in and ANYONE not in rule.allow:
        raise errors.NotSignedIn()
    if rule.anywhere and areas_of(actor, act) == frozenset():
        raise errors.Forbidden(_who_may(rule))


def holds(actor: Actor, act: str) -> bool:
    """False for an application whose key is not good for this act, whatever its person may do."""
    return actor.scopes is None or RULES[act].scope in actor.scopes


def require(actor: Actor, act: str, thing: Thing | None = None) -> None:
    """Allow, or raise: NotFound when the actor may not know of the thing, Forbidden when it may not do this to it."""
    admit(actor, act)
    if actor.kind == "system" or thing is None:
        return
    if not sees(actor, thing):
        raise errors.NotFound()
    rule = RULES[act]
    related = relations(actor, thing)
    if rule.never & related:
        raise errors.Forbidden("You may not moderate your own contribution. Ask another officer.")
    if not rule.allow & related:
        raise errors.Forbidden(_who_may(rule))
    if rule.live and asset_of(thing).state != "published":
        raise errors.Conflict("This is not published now, so nothing can be added to it.")


def may(actor: Actor, acts: tuple[str, ...], thing: Thing) -> list[str]:
    """Those of the acts that `require` would allow; for a visitor those that an account alone would open."""
    if not actor.signed_in and actor.kind != "system":
        published = asset_of(thing).state == "published"
        return [act for act in acts if SIGNED_IN in RULES[act].allow and (published or not RULES[act].live)]
    return [act for act in acts if _allows(actor, act, thing)]


def _allows(actor: Actor, act: str, thing: Thing) -> bool:
    try:
        require(actor, act, thing)
    except errors.Problem:
        return False
    return True


def _who_may(rule: Rule) -> str:
    words = {
        OWNER: "the person who pinned it (or a steward of its community)",
        AUTHOR: "the person who wrote it",
        OTHER_SIDE: "the other side",
        OFFICER: "an officer" if rule.anywhere else "an officer of its area",
        COUNCILLOR: "a councillor",
        OPERATOR: "an operator",
    }
    return f"Only {' or '.join(words[r] for r in words if r in rule.allow)} may do this."


def areas_of(actor: Actor, act: str) -> frozenset[int] | None:
    """Ids of the areas in which the actor may do this, with everything inside them; None stands for everywhere."""
    allow = RULES[act].allow
    if actor.kind == "system" or (OPERATOR in allow and actor.role == "operator"):
        return None
    return (actor.areas if OFFICER in allow else frozenset()) | (actor.reads if COUNCILLOR in allow else frozenset())


def within(actor: Actor, act: str) -> ColumnElement[bool]:
    """The same as a condition on Asset: it lies in such an area, or stands for one."""
    areas = areas_of(actor, act)
    if areas is None:
        return true()
    if not areas:
        return false()
    inside = exists().where(AssetArea.asset_id == Asset.id, AssetArea.area_id.in_(areas))
    return or_(Asset.area_id.in_(areas), inside)


# ── relations ───────────────────────────────────────────────────────────────────────────────


def asset_of(thing: Thing) -> Asset:
    """The asset that a thing belongs to; for a link the one that asked."""
    if isinstance(thing, Asset):
        return thing
    if isinstance(thing, Pledge):
        return thing.proposal.asset
    return thing.from_asset if isinstance(thing, Link) else thing.asset


def relations(actor: Actor, thing: Thing) -> set[str]:
    """How the actor stands to a thing whose asset (with its areas) is loaded."""
    asset = asset_of(thing)
    found = {ANYONE}
    if not actor.signed_in:
        return found
    found.add(SIGNED_IN)
    if _owns(actor, asset):
        found.add(OWNER)
    if _wrote(actor, thing):
        found.add(AUTHOR)
    if _on_other_side(actor, thing):
        found.add(OTHER_SIDE)
    if _officer_of(actor, asset):
        found.add(OFFICER)
    if actor.role == "operator":
        found.add(OPERATOR)
    return found


def _owns(actor: Actor, asset: Asset) -> bool:
    if asset.owner_id is not None and asset.owner_id == actor.person_id:
        return True
    return asset.community_id is not None and actor.communities.get(asset.community_id) == "steward"


def _officer_of(actor: Actor, asset: Asset) -> bool:
    return asset.area_id in actor.areas or any(place.area_id in actor.areas for place in asset.in_areas)


def _wrote(actor: Actor, thing: Thing) -> bool:
    # What an erased person wrote has no writer, and a visitor has no id: two Nones are no match.
    return actor.signed_in and _writer_of(thing) == actor.person_id


def _writer_of(thing: Thing) -> int | None:
    if isinstance(thing, Comment | Update):
        return thing.author_id
    if isinstance(thing, Proposal):
        return thing.proposer_id
    if isinstance(thing, Flag):  # the words that it complains about: who complains may also decide, as they may hide
        return thing.comment.author_id if thing.comment else None
    return thing.person_id if isinstance(thing, Pledge) else None


def _on_other_side(actor: Actor, thing: Thing) -> bool:
    if isinstance(thing, Link):
        return _owns(actor, thing.to_asset)
    # A proposer who pledged to their own proposal does not confirm it: hours are counted in reports.
    return (
        isinstance(thing, Pledge)
        and thing.proposal.proposer_id == actor.person_id
        and thing.person_id != actor.person_id
    )


# ── visibility ──────────────────────────────────────────────────────────────────────────────


def sees(actor: Actor, thing: Thing) -> bool:
    """True when the actor may know that this thing is there."""
    if actor.kind == "system":
        return True
    asset = asset_of(thing)
    if not _sees_asset(actor, asset):
        return False
    if isinstance(thing, Comment) and thing.state != "published":
        return _wrote(actor, thing) or _moderates(actor, asset)
    if isinstance(thing, Pledge):
        theirs = _wrote(actor, thing) or bool(RULES["pledges.see"].allow & relations(actor, thing.proposal))
        return theirs and holds(actor, "pledges.see")
    if isinstance(thing, Link):
        return _sees_asset(actor, thing.to_asset)
    if isinstance(thing, Flag):
        return actor.signed_in and (thing.person_id == actor.person_id or _moderates(actor, asset))
    return True


def concerns(actor: Actor, link: Link) -> bool:
    """True for the two sides of a tie and their moderators: until it is agreed it is listed for them alone."""
    sides = (link.from_asset, link.to_asset)
    return actor.kind == "system" or any(_owns(actor, side) or _moderates(actor, side) for side in sides)


def _sees_asset(actor: Actor, asset: Asset) -> bool:
    if asset.state == "removed":
        return False
    if asset.state == "published" and (asset.audience == "public" or asset.community_id in actor.communities):
        return True
    return actor.signed_in and (_owns(actor, asset) or (asset.state != "draft" and _moderates(actor, asset)))


def _moderates(actor: Actor, asset: Asset) -> bool:
    """Sees what is hidden or waits: an officer of its area or an operator, and of their keys those to moderate with."""
    return holds(actor, "moderation.hide") and (actor.role == "operator" or _officer_of(actor, asset))


def visible(actor: Actor) -> ColumnElement[bool]:
    """The same question as `sees`, as a condition on Asset."""
    if actor.kind == "system":
        return true()
    public = and_(Asset.state == "published", Asset.audience == "public")
    if not actor.signed_in:
        return public
    ways: list[ColumnElement[bool]] = [public, and_(Asset.owner_id == actor.person_id, Asset.state != "removed")]
    if actor.communities:
        ways.append(and_(Asset.state == "published", Asset.community_id.in_(actor.communities)))
        stewarded = [community for community, role in actor.communities.items() if role == "steward"]
        ways.append(and_(Asset.community_id.in_(stewarded), Asset.state != "removed"))
    ways.append(and_(_moderated(actor), Asset.state.notin_(("draft", "removed"))))
    return or_(*ways)


def _moderated(actor: Actor) -> ColumnElement[bool]:
    return within(actor, "moderation.hide") if holds(actor, "moderation.hide") else false()
