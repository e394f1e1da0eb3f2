"""First people and keys: person create, key create."""

import sys
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from app.cli.opening import Data, Refused, cli, opened, with_engines

if TYPE_CHECKING:
    from app import db

SCOPES = "assets:read, assets:write, take-part, reports:read, moderate"

people = typer.Typer(help="First people: officers and operators.", no_args_is_help=True)
cli.add_typer(people, name="person")
keys = typer.Typer(help="Keys for applications.", no_args_is_help=True)
cli.add_typer(keys, name="key")


@people.command("create")
def create_person(
    email: Annotated[str, typer.Argument(help="The address that signs in.")],
    name: Annotated[str, typer.Option(help="What others call this person; the part before the @ if left out.")] = "",
    role: Annotated[
        Literal["resident", "officer", "operator"], typer.Option(help="What the person may do.")
    ] = "resident",
    area: Annotated[list[str] | None, typer.Option(help="Code of an area to be officer of; may be repeated.")] = None,
    data: Data = None,
) -> None:
    """Make an account, or give an existing one a role. Safe to run again."""
    from app import auth
    from app.actions import accounts

    if (role == "officer") != bool(area):
        raise Refused("An officer is officer of areas: --role officer goes with at least one --area CODE.")
    address = _address(email)

    async def create(engines: "db.Engines") -> str:
        async with engines.transaction() as session:
            called = name or address.partition("@")[0]
            actor = auth.Actor.system("command line")
            person = await accounts.create_person(session, actor, email=address, name=called, role=role, areas=area)
            return person.name

    with opened(data) as settings:
        called = with_engines(settings, create)
    print(
        f"{called} ({address}) is {role}{' of ' + ', '.join(area) if area else ''}, and signs in with a code by mail."
    )


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

    unknown = sorted(set(scope) - set(SCOPES.split(", ")))
    if unknown:
        raise Refused(f"There is no scope '{unknown[0]}'. Known: {SCOPES}.")

    async def create(engines: "db.Engines", secret: bytes) -> str:
        async with engines.transaction() as session:
            actor = await auth.actor_of_email(session, _address(email))
            if actor is None:
                raise Refused(f"Nobody signs in with {email}. Make the account first: ./civic person create {email}")
            _, shown = await accounts.create_key(session, actor, secret, name=name, scopes=list(dict.fromkeys(scope)))
            return shown

    with opened(data) as settings:
        secret = auth.load_secret(settings)
        shown = with_engines(settings, lambda engines: create(engines, secret))
    print("Keep this key now; it is not shown again. Send it as 'Authorization: Bearer …'.", file=sys.stderr)
    print(shown)


def _address(email: str) -> str:
    from email_validator import EmailNotValidError, validate_email

    try:
        return validate_email(email.strip(), check_deliverability=False, test_environment=True).normalized
    except EmailNotValidError as error:
        raise Refused(f"'{email}' is not a mail address: {error}") from None
