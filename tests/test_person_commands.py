"""`./civic person create` and `person sign-in`, as an operator types them."""

from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from sqlalchemy import text

from app.db import Engines
from app.settings import Settings
from tests import factories
from tests.test_cli import civic


@pytest.fixture
def own(settings: Settings) -> dict[str, str]:
    """The environment of a map on the test's database."""
    return {
        "CIVIC_DATABASE_URL": settings.database_url or "",
        "CIVIC_DATABASE_READ_URL": settings.database_read_url or "",
        "CIVIC_SECRET": settings.secret.get_secret_value() if settings.secret else "",
    }


def link_of(own: dict[str, str], *words: str) -> str:
    """The link that the command prints, alone on standard output."""
    code, out, err = civic("person", "sign-in", *words, **own)
    assert code == 0, err
    assert "once, for 10 minutes" in err
    return out.removesuffix("\n")


def said_of(link: str) -> dict[str, str]:
    """What the page sends when the link is opened."""
    return {name: values[0] for name, values in parse_qs(urlsplit(link).query).items()}


async def test_a_link_signs_a_person_in_once_and_no_mail_is_sent(
    own: dict[str, str], client: httpx.AsyncClient, engines: Engines
) -> None:
    assert civic("person", "create", "ana@example.org", "--name", "Ana", "--role", "operator", **own)[0] == 0
    link = link_of(own, "Ana@example.org", "--port", "8123")
    assert link.startswith("http://localhost:8123/sign-in?sign_in=")
    async with engines.transaction() as session:
        events = list(await session.scalars(text("SELECT event FROM outbox")))
        assert "sign_in.asked" not in events
        assert await session.scalar(text("SELECT actor FROM history WHERE verb = 'sign_in.given'")) == (
            "system:command line"
        )
    wrong = await client.post("/api/v1/sign-in/complete", json=said_of(link) | {"token": "x" * 43})
    assert wrong.status_code == 403
    right = await client.post("/api/v1/sign-in/complete", json=said_of(link))
    assert right.status_code == 200, right.text
    assert right.json()["me"]["name"] == "Ana"
    me = await client.get("/api/v1/me")
    assert me.json()["role"] == "operator"
    client.cookies.clear()
    again = await client.post("/api/v1/sign-in/complete", json=said_of(link))
    assert again.status_code == 403


async def test_a_link_is_over_after_ten_minutes(
    own: dict[str, str], client: httpx.AsyncClient, settings: Settings
) -> None:
    assert civic("person", "create", "ana@example.org", **own)[0] == 0
    link = link_of(own | {"CIVIC_BASE_URL": "https://map.example.org"}, "ana@example.org")
    assert link.startswith("https://map.example.org/sign-in?")
    owners = Engines.of(settings.model_copy(update={"database_url": settings.migrate_url}))
    async with owners.transaction() as session:
        left = await session.scalar(text("SELECT extract(epoch FROM expires_at - now()) FROM vault.sign_in"))
        assert left is not None
        assert 500 < left <= 600
        await session.execute(text("UPDATE vault.sign_in SET expires_at = now() - interval '1 second'"))
    await owners.dispose()
    late = await client.post("/api/v1/sign-in/complete", json=said_of(link))
    assert late.status_code == 403


def test_a_link_is_only_for_somebody_with_an_account(own: dict[str, str]) -> None:
    code, out, err = civic("person", "sign-in", "nobody@example.org", **own)
    assert (code, out) == (2, "")
    assert err == (
        "civic: Nobody signs in with nobody@example.org. "
        "Make the account first: ./civic person create nobody@example.org\n"
    )


async def test_create_says_which_rights_the_account_has_afterwards(own: dict[str, str], engines: Engines) -> None:
    async with engines.transaction() as session:
        await factories.draw_areas(session)

    def create(*words: str, **more: str) -> str:
        code, out, err = civic("person", "create", "ana@example.org", *words, **own | more)
        assert (code, err) == (0, "")
        return out

    link = "./civic person sign-in EMAIL prints a link that signs somebody in.\n"
    assert create() == f"ana (ana@example.org) is resident. {link}"
    officer = f"officer of North ward ({factories.NORTH})"
    assert create("--role", "officer", "--area", factories.NORTH) == f"ana (ana@example.org) is {officer}. {link}"
    assert create("--role", "operator") == f"ana (ana@example.org) is operator and {officer}. {link}"
    south = f"councillor of South ward ({factories.SOUTH})"
    both = f"operator and {officer} and {south}"
    assert create("--role", "councillor", "--area", factories.SOUTH) == f"ana (ana@example.org) is {both}. {link}"
    again = create("--role", "councillor", "--area", factories.NORTH)
    assert again == f"ana (ana@example.org) is {both}. {link}", "an officer stays one"
    async with engines.transaction() as session:
        await session.execute(text("DELETE FROM officer_area WHERE role = 'councillor'"))
    mailed = create("--role", "resident", CIVIC_SMTP_URL="smtp://localhost:25")
    assert mailed == f"ana (ana@example.org) is operator and {officer}, and signs in with a code by mail.\n"
    assert "takes none away" in " ".join(create("--help").split())
