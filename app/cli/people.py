"""First people and keys: person create, person sign-in, key create."""

import sys
from typing import TYPE_CHECKING, Annotated, Literal
from urllib.parse import urlencode

import typer

from app import lifecycles
from app.cli.opening import LINK_INSTEAD, Data, Port, Refused, cli, opened, with_engines

if TYPE_CHECKING:
    from app import db

SCOPES = ", ".join(lifecycles.SCOPES)

people = typer.Typer(help="First people: officers, councillors and operators.", no_args_is_help=True)
cli.add_typer(people, name="person")
keys = typer.Typer(help="Keys for applications.", no_args_is_help=True)
cli.add_typer(keys, name="key")


@people.command("create")
def create_person(
    email: Annotated[str, typer.Argument(help="The address that signs in.")],
    name: Annotated[str, typer.Option(help="What others call this person; the part before the @ if left out.")] = "",
    role: Annotated[
        Literal["resident", "officer", "councillor", "operator"],
        typer.Option(help="What the person may do: an officer acts in areas, a councillor reads their figures."),
    ] = "resident",
    area: Annotated[
        list[str] | None, typer.Option(help="Code of an area to be officer or councillor of; may be repeated.")
    ] = None,
    data: Data = None,
) -> None:
    """Make an account, or give an existing one more rights: this command adds roles and areas and takes none away.

    Safe to run again.
    """
    from app import auth
    from app.actions import accounts

    if (role in lifecycles.OFFICES) != bool(area):
        raise Refused("An office is held for areas: --role officer or councillor goes with at least one --area CODE.")
    address = _address(email)

    async def create(engines: "db.Engines") -> str:
        async with engines.transaction() as session:
            called = name or address.partition("@")[0]
            actor = auth.Actor.system("command line")
            person = await accounts.create_person(session, actor, email=address, name=called, role=role, areas=area)
            await session.flush()
            held = await accounts.offices(session, person.id)
            names = {
                office: [f"{one.name} ({one.code})" for one, of in held if of == office]
                for office in lifecycles.OFFICES
            }
            said = [f"{office} of {', '.join(named)}" for office, named in names.items() if named]
            roles = [person.role] if person.role != "resident" or not said else []
            return f"{person.name} ({address}) is {' and '.join([*roles, *said])}"

    with opened(data) as settings:
        done = with_engines(settings, create)
    print(f"{done}, and signs in with a code by mail." if settings.smtp_url else f"{done}. {LINK_INSTEAD}")


@people.command("sign-in")
def sign_in(
    email: Annotated[str, typer.Argument(help="The person's address; the account must exist.")],
    port: Port = None,
    data: Data = None,
) -> None:
    """Print a link that signs this person in, once, within ten minutes: for a map that has no mail server yet.

    Whoever has the link is that person, so hand it over in private. It begins with CIVIC_BASE_URL, or else with the
    port that the map listens on.
    """
    from app import auth
    from app.actions import accounts

    address = _address(email)

    async def give(engines: "db.Engines", secret: bytes) -> str:
        async with engines.transaction() as session:
            if await auth.actor_of_email(session, address) is None:
                raise Refused(_nobody(address))
            # A browser without a sign-in of its own under way sends no cookie: the link opens in every such browser.
            anybody = auth.keyed_hash(secret, "browser", "")
            uid = await accounts.give_sign_in(session, auth.Actor.system("command line"), address, anybody)
        return urlencode({"sign_in": str(uid), "token": auth.sign_in_token(secret, uid)})

    with opened(data, port=port) as settings:
        secret = auth.load_secret(settings)
        asked = with_engines(settings, lambda engines: give(engines, secret))
    print(
        f"This link signs {address} in, once, for {auth.SIGN_IN_MINUTES} minutes. A browser that is waiting for a mail "
        "from this map refuses it: use a private window there.",
        file=sys.stderr,
    )
    print(f"{settings.public_url}/sign-in?{asked}")


@keys.command("create")
def create_key(
    email: Annotated[str, typer.Argument(help="The person whose key it is; the account must exist.")],
    scope: Annotated[list[str], typer.Option(help=f"What it is good for; may be repeated: {SCOPES}.")],
    name: Annotated[str, typer.Option(help="What it is for.")] = "command line",
    data: Data = None,
) -> None:
    """Make a key for an application and print it, this once."""
    from app import auth
    from app.actions import accounts

    unknown = sorted(set(scope) - set(lifecycles.SCOPES))
    if unknown:
        raise Refused(f"There is no scope '{unknown[0]}'. Known: {SCOPES}.")

    async def create(engines: "db.Engines", secret: bytes) -> str:
        async with engines.transaction() as session:
            actor = await auth.actor_of_email(session, _address(email))
            if actor is None:
                raise Refused(_nobody(email))
            _, shown = await accounts.create_key(session, actor, secret, name=name, scopes=list(dict.fromkeys(scope)))
            return shown

    with opened(data) as settings:
        secret = auth.load_secret(settings)
        shown = with_engines(settings, lambda engines: create(engines, secret))
    print("Keep this key now; it is not shown again. Send it as 'Authorization: Bearer …'.", file=sys.stderr)
    print(shown)


def _nobody(email: str) -> str:
    return f"Nobody signs in with {email}. Make the account first: ./civic person create {email}"


def _address(email: str) -> str:
    from email_validator import EmailNotValidError, validate_email

    try:
        return validate_email(email.strip(), check_deliverability=False, test_environment=True).normalized
    except EmailNotValidError as error:
        raise Refused(f"'{email}' is not a mail address: {error}") from None
