"""The wall in the database: what the service's two roles can do, whatever the code above them says."""

import psycopg
import pytest
from psycopg.rows import dict_row
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from app import db, localdb
from tests.conftest import Database

VAULT = ("vault.contact", "vault.exact_point", "vault.sign_in")
DOORS = ("session", "api_key", "history", "outbox", "idempotency", "rate_counter", "officer_area")


@pytest.fixture
def owner(database: Database) -> str:
    """psycopg's address of the tables' owner."""
    return database.owner.replace("+psycopg", "")


@pytest.mark.parametrize("role", ["read", "write"])
def test_the_services_roles_are_plain_and_own_nothing(database: Database, admin: localdb.Connection, role: str) -> None:
    name = f"civic_{role}"
    flags = admin.execute(
        "SELECT rolsuper, rolbypassrls, rolcreatedb, rolcreaterole, rolreplication FROM pg_roles WHERE rolname = %s",
        [name],
    ).fetchone()
    assert flags == (False,) * 5
    url = (database.read if role == "read" else database.write).replace("+psycopg", "")
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT current_user").fetchone() == (name,)
        owned = "SELECT count(*) FROM pg_class WHERE relowner = current_user::regrole"
        assert connection.execute(owned).fetchone() == (0,)
        member = "SELECT count(*) FROM pg_auth_members WHERE member = current_user::regrole"
        assert connection.execute(member).fetchone() == (0,)


@pytest.mark.parametrize("table", VAULT + DOORS)
def test_the_reading_role_sees_no_vault_no_door_and_no_past(database: Database, table: str) -> None:
    with psycopg.connect(database.read.replace("+psycopg", "")) as connection:
        assert connection.execute("SELECT count(*) FROM asset").fetchone() == (0,)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(f"SELECT * FROM {table}")


@pytest.mark.parametrize(
    "statement",
    ["INSERT INTO asset (kind, title) VALUES ('idea', 'x')", "UPDATE asset SET title = 'x'", "DELETE FROM asset",
     "TRUNCATE asset", "CREATE TABLE mine (a int)", "SELECT vault.email_of(gen_random_uuid())",
     "SELECT vault.person_of_email('a')", "SET ROLE civic_write", "SET ROLE civic_owner"],
)  # fmt: skip
def test_the_reading_role_changes_nothing_and_opens_no_door(database: Database, statement: str) -> None:
    for prelude in ("", "SET default_transaction_read_only = off; "):
        with (
            psycopg.connect(database.read.replace("+psycopg", "")) as connection,
            pytest.raises((psycopg.errors.InsufficientPrivilege, psycopg.errors.ReadOnlySqlTransaction)),
        ):
            connection.execute(prelude + statement)


@pytest.mark.parametrize("table", VAULT)
def test_the_writing_role_puts_into_the_vault_and_takes_nothing_out(database: Database, table: str) -> None:
    rows = {
        "vault.contact": "(uid, person_uid, kind, value) VALUES (gen_random_uuid(), gen_random_uuid(), 'post', 'x')",
        "vault.exact_point": "(uid, asset_uid, geom) VALUES (gen_random_uuid(), gen_random_uuid(), "
        "ST_SetSRID(ST_MakePoint(0, 51), 4326))",
        "vault.sign_in": "(uid, email, browser_hash, expires_at) VALUES (gen_random_uuid(), 'a@b.c', '', now())",
    }
    insert = f"INSERT INTO {table} {rows[table]}"
    url = database.write.replace("+psycopg", "")
    with psycopg.connect(url) as connection:
        connection.execute(insert)
    for statement in (
        f"SELECT * FROM {table}", f"SELECT count(*) FROM {table}", f"UPDATE {table} SET created_at = now()",
        f"DELETE FROM {table}", insert + " RETURNING *", f"COPY {table} TO STDOUT",
        f"DO $$ BEGIN PERFORM count(*) FROM {table}; END $$",
    ):  # fmt: skip
        with psycopg.connect(url) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(statement)
    with psycopg.connect(database.owner.replace("+psycopg", "")) as connection:
        assert connection.execute(
            f"SELECT relrowsecurity FROM pg_class WHERE oid = '{table}'::regclass"
        ).fetchone() == (True,)
        assert connection.execute(f"SELECT count(*) FROM {table}").fetchone() == (1,), "it did go in"


@pytest.mark.parametrize("statement", ["UPDATE history SET verb = 'x'", "DELETE FROM history", "TRUNCATE history",
                                       "UPDATE state_change SET why = 'x'", "DELETE FROM state_change"])  # fmt: skip
def test_the_past_is_only_ever_added_to(database: Database, statement: str) -> None:
    with (
        psycopg.connect(database.write.replace("+psycopg", "")) as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute(statement)


def test_every_door_of_the_vault_is_a_named_function_with_a_fixed_path(owner: str) -> None:
    with psycopg.connect(owner, row_factory=dict_row) as connection:
        found = connection.execute(
            "SELECT proname, prosecdef, proconfig, has_function_privilege('civic_read', oid, 'EXECUTE') AS by_read, "
            "has_function_privilege('civic_write', oid, 'EXECUTE') AS by_write FROM pg_proc "
            "WHERE pronamespace = 'vault'::regnamespace"
        ).fetchall()
    assert {row["proname"] for row in found} == {
        "adopt_email", "email_of", "forget_exact_point", "forget_old_sign_ins", "forget_person", "person_of_email",
        "sign_in_email", "try_sign_in",
    }  # fmt: skip
    for row in found:
        assert (row["prosecdef"], row["by_read"], row["by_write"]) == (True, False, True)
        assert row["proconfig"] == ["search_path=pg_catalog, pg_temp"]


async def test_public_reads_are_made_by_the_reading_role(engines: db.Engines) -> None:
    async with engines.reading() as session:
        assert await session.scalar(text("SELECT current_user")) == "civic_read"
        with pytest.raises(ProgrammingError, match="permission denied for schema vault"):
            await session.execute(text("SELECT * FROM vault.exact_point"))
