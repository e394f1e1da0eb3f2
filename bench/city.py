"""The city that bench/writes.py and bench/writers.py pin in: 25 wards, and a person with a key for each client."""

import secrets
from dataclasses import dataclass

import psycopg

from app import auth, localdb, schema

SECRET = secrets.token_urlsafe(32)
CLIENTS = 8
#: The city, in millionths of a degree: its south-west corner, its side, and how many wards stand along each side.
WEST, SOUTH, SIDE, ROWS = -130_000, 51_440_000, 50_000, 5


@dataclass(frozen=True)
class City:
    """A database with wards, people and keys."""

    cluster: localdb.Cluster
    url: str
    owner: int
    keys: list[str]


def found_city(cluster: localdb.Cluster) -> City:
    """Wards whose edges have as many points as real ones, and a key for each client."""
    schema.upgrade(cluster.url("civic_owner"))
    url = cluster.url("civic_write").replace("postgresql+psycopg", "postgresql")
    keys, hashes = [], []
    for _ in range(CLIENTS):
        key, prefix, kept = auth.new_key(SECRET.encode())
        keys.append(key)
        hashes.append((prefix, kept))
    side = SIDE / ROWS / 1e6
    with psycopg.connect(url) as connection:
        connection.execute("INSERT INTO boundary_set (level, name) VALUES ('ward', 'Bench')")
        for number in range(ROWS * ROWS):
            west, south = WEST / 1e6 + number % ROWS * side, SOUTH / 1e6 + number // ROWS * side
            connection.execute(
                """INSERT INTO area (set_id, level, code, name, geom) SELECT id, 'ward', %s, %s,
                ST_Multi(ST_Segmentize(ST_MakeEnvelope(%s, %s, %s, %s, 4326), %s)) FROM boundary_set""",
                [f"B{number:02}", f"Ward {number}", west, south, west + side, south + side, side / 60],
            )
        for number, (prefix, kept) in enumerate(hashes):
            connection.execute(
                """WITH one AS (INSERT INTO person (name) VALUES (%s) RETURNING id)
                INSERT INTO api_key (person_id, name, prefix, token_hash, scopes)
                SELECT id, 'bench', %s, %s, '{assets:read,assets:write}' FROM one""",
                [f"Writer {number}", prefix, kept],
            )
        owner = connection.execute("SELECT min(id) FROM person").fetchone()
    assert owner
    return City(cluster, url, int(owner[0]), keys)
