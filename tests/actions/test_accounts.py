"""First people, names, and being forgotten."""

import json
from decimal import Decimal
from uuid import uuid4

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError

from app import auth, db, errors, search
from app.actions import accounts, assets, discussion, proposals
from app.auth import Actor
from app.models import Person
from tests import factories
from tests.actions.conftest import Cast
from tests.factories import BOROUGH, FAR_WARD, NORTH

SECRET = b"only for tests"


# First people --------------------------------------------------------------------------------------------------------


async def test_the_operator_makes_the_first_people_and_gives_them_more_later(cast: Cast) -> None:
    system = Actor.system("the command line")
    made = await accounts.create_person(cast.session, system, email="ana@example.org", name="Ana")
    assert (made.name, made.role, made.via) == ("Ana", "resident", "paper")
    again = await accounts.create_person(
        cast.session, system, email="Ana@Example.org", name="Other", role="officer", areas=[NORTH]
    )
    assert (again.id, again.name, again.role) == (made.id, "Ana", "resident")
    for codes in ([NORTH, BOROUGH], [BOROUGH]):
        await accounts.create_person(
            cast.session, system, email="ana@example.org", name="", role="officer", areas=codes
        )
    actor = await auth.actor_of_email(cast.session, "ANA@example.org")
    assert actor is not None
    wards = "SELECT id FROM area WHERE code LIKE 'E05%' AND parent_id = (SELECT id FROM area WHERE code = :code)"
    assert set(await cast.values(wards, code=BOROUGH)) < actor.areas, "an officer of a borough is one of its wards"
    assert await cast.value("SELECT id FROM area WHERE code = :code", code=FAR_WARD) not in actor.areas
    await accounts.create_person(cast.session, system, email="ana@example.org", name="", role="operator")
    assert made.role == "operator"


async def test_an_officer_of_an_unknown_area_is_refused(cast: Cast) -> None:
    with pytest.raises(errors.Invalid, match="E99999999"):
        await accounts.create_person(
            cast.session, Actor.system("x"), email="bo@example.org", name="Bo", role="officer", areas=["E99999999"]
        )
    assert await auth.actor_of_email(cast.session, "nobody@example.org") is None


async def test_an_address_belongs_to_one_account(cast: Cast) -> None:
    twice = text("INSERT INTO vault.contact (uid, person_uid, kind, value) VALUES (:uid, :person, 'email', :value)")
    given = {"person": cast["owner"].person_uid, "value": "cy@example.org"}
    await cast.session.execute(twice, given | {"uid": uuid4()})
    with pytest.raises(IntegrityError, match="uq_contact_email"):
        await cast.session.execute(twice, given | {"uid": uuid4(), "value": "CY@example.org"})


async def test_an_erased_or_suspended_account_is_nobody(cast: Cast) -> None:
    for state in ("suspended", "erased"):
        who = await factories.person(cast.session, f"Was {state}", state=state)
        assert await auth.actor_of_person(cast.session, who.id) is None
        assert await auth.actor_of_email(cast.session, who.email) is None


# Being forgotten -----------------------------------------------------------------------------------------------------


async def test_offers_and_drafts_go_and_contributions_stay_without_a_name(cast: Cast) -> None:
    owner = cast["owner"]
    project, offer, draft = await cast.pin(), await cast.pin("owner", "offer"), await cast.pin(state="draft")
    held, withdrawn = await cast.pin(hold=True), await cast.pin("owner", "offer")
    await assets.withdraw(cast.session, owner, withdrawn.uid, None)
    theirs = await cast.pin("other")
    comment = await discussion.write_comment(cast.session, owner, theirs.uid, text="Well said")
    await discussion.appreciate(cast.session, owner, theirs.uid)
    await discussion.raise_flag(cast.session, owner, theirs.uid, reason="spam")
    await accounts.erase(cast.session, owner)
    await cast.session.flush()
    states = "SELECT state FROM asset WHERE id = :id"
    found = [await cast.value(states, id=asset.id) for asset in (project, offer, draft, held, withdrawn)]
    assert found == ["published", "withdrawn", "withdrawn", "withdrawn", "withdrawn"]
    assert await cast.value("SELECT author_id FROM comment WHERE id = :id", id=comment.id) is None
    assert await cast.value("SELECT appreciation_count FROM asset WHERE id = :id", id=theirs.id) == 0
    assert await cast.value("SELECT count(*) FROM flag") == 0
    person = await cast.session.scalar(select(Person).where(Person.id == owner.person_id))
    assert person is not None
    assert (person.state, person.name, person.about) == ("erased", "Somebody who left", "")
    assert await auth.actor_of_person(cast.session, person.id) is None
    assert await cast.value("SELECT vault.email_of(:uid)", uid=person.uid) is None
    assert (await cast.history(person.uid))[-1] == "accounts.erase"
    told = "SELECT person_id FROM history WHERE thing_uid = :uid AND verb = 'accounts.erase'"
    assert await cast.value(told, uid=person.uid) is None


async def test_sessions_keys_offices_and_memberships_end(cast: Cast) -> None:
    for who in ("officer", "steward"):
        actor = cast[who]
        assert actor.person_id is not None
        token = await auth.open_session(cast.session, SECRET, actor.person_id)
        _, key = await accounts.create_key(cast.session, actor, SECRET, name="x", scopes=["assets:read"])
        assert await auth.actor_of_session(db.within(cast.session), SECRET, token) is not None
        assert await auth.actor_of_key(db.within(cast.session), SECRET, key) is not None
        await accounts.erase(cast.session, actor)
        assert await auth.actor_of_session(db.within(cast.session), SECRET, token) is None
        assert await auth.actor_of_key(db.within(cast.session), SECRET, key) is None
        for table in ("session", "api_key", "officer_area", "membership"):
            left = f"SELECT count(*) FROM {table} WHERE person_id = :id"
            assert await cast.value(left, id=actor.person_id) == 0


async def test_a_promise_of_somebody_who_leaves_is_taken_back_and_its_hours_given_are_kept(cast: Cast) -> None:
    scene = await cast.scene(pledge="confirmed")
    await proposals.fulfil(cast.session, cast["other"], scene.pledge, hours_given=Decimal(3))
    again = await proposals.promise(
        cast.session, cast["author"], scene.offered, hours=Decimal(1), message="My number is 0200"
    )
    await accounts.erase(cast.session, cast["author"])
    await cast.session.flush()
    rows = (
        await cast.session.execute(text("SELECT state, person_id, message, hours_given FROM pledge ORDER BY id"))
    ).all()
    assert [tuple(row) for row in rows] == [
        ("fulfilled", None, "", Decimal(3)), ("withdrawn", None, "", None),
    ]  # fmt: skip
    assert await cast.value("SELECT pledged FROM proposal WHERE uid = :uid", uid=scene.offered) == 1
    assert await cast.steps("pledge", again.id) == ["pledged", "withdrawn"]


async def test_the_last_operator_cannot_leave(cast: Cast) -> None:
    operator = cast["operator"]
    with pytest.raises(errors.Conflict, match="only operator"):
        await accounts.erase(cast.session, operator)
    assert await cast.value("SELECT state FROM person WHERE id = :id", id=operator.person_id) == "active"
    suspended = await factories.person(cast.session, "Second", role="operator", state="suspended")
    with pytest.raises(errors.Conflict, match="only operator"):
        await accounts.erase(cast.session, operator)
    await cast.session.execute(text("UPDATE person SET state = 'active' WHERE id = :id"), {"id": suspended.id})
    await accounts.erase(cast.session, operator)
    assert await cast.value("SELECT state FROM person WHERE id = :id", id=operator.person_id) == "erased"


async def test_what_an_erased_person_pinned_names_nobody_and_their_uid_finds_nothing(cast: Cast) -> None:
    asset = await cast.pin()
    uid = cast["owner"].person_uid
    await accounts.erase(cast.session, cast["owner"])
    await cast.session.flush()
    shown = json.loads(await search.feature(cast.session, cast["visitor"], asset.uid))
    assert shown["properties"]["owner"] is None
    found = await search.page(
        cast.session, cast["visitor"], search.AssetFilter(owner=uid), sort="new", limit=9, cursor=None, count=False
    )
    assert found.features == []
