"""The commands. Each one reads its words, opens the database and calls the module that does the work.

To add a group: `areas = typer.Typer(help=...)`, `cli.add_typer(areas, name="areas")`, and its commands below it, in a
file that is imported here. A command that needs the database runs inside `opened(data)`. What a command alone needs is
imported inside it, so that --help is quick.
"""

import signal
import sys

from pydantic import ValidationError

from app import errors, postgres
from app.cli import bringing_in, developing, keeping, past_imports, people, serving, taking_out
from app.cli.opening import Refused, cli, opened, stop

__all__ = [
    "bringing_in",
    "cli",
    "developing",
    "keeping",
    "main",
    "opened",
    "past_imports",
    "people",
    "serving",
    "taking_out",
]


def main() -> None:
    """Run a command. Exit 2 and one sentence where the operator has to change something, 1 where the work failed."""
    for ending in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(ending) != signal.SIG_IGN:  # nohup
            signal.signal(ending, lambda number, _: sys.exit(128 + number))  # so that every `with` block is left
    try:
        cli(prog_name="./civic")
    except ValidationError as error:
        said = [
            f"{'CIVIC_' if e['loc'] else ''}{'_'.join(map(str, e['loc'])).upper()} {e['msg']}" for e in error.errors()
        ]
        stop("\n".join(line.strip().removeprefix("Value error, ") for line in said), 2)
    except errors.Problem as problem:
        stop(problem.detail, 1)
    except (Refused, postgres.DatabaseUnavailable) as error:
        stop(str(error), 2)
