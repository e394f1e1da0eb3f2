"""Where measures are taken: one country, its cluster, the servers that run on it, and how long to ask each."""

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from app import localdb
from bench import country, servers

Say = Callable[[str], None]


@dataclass(frozen=True)
class Site:
    """A country with servers on it; each is asked for so many seconds in every round."""

    cluster: localdb.Cluster
    size: int
    seconds: int
    rounds: int
    say: Say
    up: dict[str, servers.Server] = field(default_factory=dict)
    absent: dict[str, str] = field(default_factory=dict)

    @property
    def ours(self) -> servers.Server:
        """`./civic serve`."""
        return self.up["ours"]

    def connect(self) -> localdb.Connection:
        """A superuser's connection to the map's database."""
        return self.cluster.connect(database=localdb.DATABASE)

    def scaled(self, count: int) -> int:
        """What is said of a million assets, for this size: a hundred thousand have a tenth of the pins in a tile."""
        return max(1, round(count * min(1.0, self.size / 1_000_000)))


@contextlib.contextmanager
def opened(
    data: Path,
    size: int,
    *,
    seconds: int,
    rounds: int,
    say: Callable[[str], None],
    wards: Path | None = country.WARDS,
) -> Iterator[Site]:
    """The country of this size in this folder (made when missing) with its views, and no server yet."""
    country.built(data, size, wards=wards, say=say)
    with localdb.running(data) as cluster:
        site = Site(cluster, size, seconds, rounds, say)
        with site.connect() as connection:
            connection.execute(country.statement("views"))
            connection.execute("CHECKPOINT")
        try:
            yield site
        finally:
            with site.connect() as connection:
                connection.execute("SET client_min_messages = warning")
                connection.execute("DROP SCHEMA IF EXISTS bench CASCADE")


@contextlib.contextmanager
def serving(site: Site, *others: str) -> Iterator[Site]:
    """The same site with our server and those of the others that can be run here."""
    made = {"tipg": servers.tipg, "Martin": servers.martin, "pg_tileserv": servers.pg_tileserv}
    with contextlib.ExitStack() as stack:
        site.up["ours"] = stack.enter_context(servers.ours(site.cluster.data))
        stack.callback(site.up.clear)
        for name in others:
            began = time.monotonic()
            try:
                site.up[name] = stack.enter_context(made[name](site.cluster))
                site.say(f"{name} {site.up[name].version} is up after {time.monotonic() - began:.0f} s")
            except servers.Absent as reason:
                site.absent[name] = str(reason)
                site.say(f"{name}: {reason}")
        yield site
