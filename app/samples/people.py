"""The people of the samples: accounts, the officer's area, communities, and e-mail in the vault."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.models import Area, Community, Membership, OfficerArea, Person, VaultContact
from app.samples.days import Days


@dataclass(frozen=True)
class Cast:
    """Everybody of the data files, by key."""

    people: Mapping[str, Person]
    communities: Mapping[str, Community]


async def settle(session: AsyncSession, told: Mapping[str, Any], days: Days, area: Area) -> Cast:
    """Make the accounts and the communities; officers get `area`."""
    people: dict[str, Person] = {}
    for one in sorted(told["people"], key=lambda one: -one["joined"]):
        people[one["key"]] = _person(one, people, days)
        session.add(people[one["key"]])
        await session.flush()  # one by one: whoever was written down for somebody else names who wrote
    communities = {one["key"]: _community(one, people, days) for one in told["communities"]}
    session.add_all(communities.values())
    for one in told["people"]:
        if one.get("officer_of") == area.code:
            person = people[one["key"]]
            session.add(OfficerArea(person_id=person.id, area_id=area.id, created_at=person.created_at))
    await session.flush()
    await _reach(session, told, people)
    return Cast(people, communities)


async def _reach(session: AsyncSession, told: Mapping[str, Any], people: Mapping[str, Person]) -> None:
    contacts = [
        {
            "uid": uuid4(),
            "person_uid": people[one["key"]].uid,
            "kind": "email",
            "value": one["email"],
            "created_at": people[one["key"]].created_at,
        }
        for one in told["people"]
        if "email" in one
    ]
    await session.execute(insert(VaultContact), contacts)  # the writing role sees nothing here, not even its own rows


def _person(one: Mapping[str, Any], known: Mapping[str, Person], days: Days) -> Person:
    return Person(
        name=one["name"],
        role=one.get("role", "resident"),
        state=one.get("state", "active"),
        about=one.get("about", ""),
        via=one.get("via", "web"),
        recorded_by=known[one["recorded_by"]].id if "recorded_by" in one else None,
        consent=one.get("consent"),
        created_at=days.written(one["joined"]),
    )


def _community(one: Mapping[str, Any], people: Mapping[str, Person], days: Days) -> Community:
    began = days.written(one["began"])
    roles = dict.fromkeys(one["stewards"], "steward") | dict.fromkeys(one["members"], "member")
    return Community(
        name=one["name"],
        summary=one["summary"],
        created_at=began,
        members=[
            Membership(person_id=people[key].id, role=role, created_at=max(began, people[key].created_at))
            for key, role in roles.items()
        ],
    )
