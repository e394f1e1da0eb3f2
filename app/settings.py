"""The settings of one installation, and the only place that reads the environment."""

import os
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict


def default_data_dir() -> Path:
    """The folder used when none is named.

    Root gets a folder outside its home: the database runs as another account, which may not
    pass through /root.
    """
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        return Path("/var/lib/civic-crowd-map")
    base = os.environ.get("XDG_DATA_HOME") or str(Path.home() / ".local" / "share")
    return Path(base) / "civic-crowd-map"


class Settings(BaseSettings):
    """Everything an operator can set. Each field is read from CIVIC_<NAME>; docs/settings.md lists them."""

    model_config = SettingsConfigDict(env_prefix="CIVIC_", env_ignore_empty=True, frozen=True, extra="ignore")

    data: Path = Field(
        default_factory=default_data_dir,
        description="Folder for the embedded database, the secret and media.",
    )
    database_url: str | None = Field(
        None,
        description="Your own PostgreSQL, as the writing role. Empty: the embedded one.",
    )
    database_read_url: str | None = Field(
        None,
        description="The same database as the reading role, or a replica of it.",
    )
    migrate_url: str | None = Field(
        None,
        description="The same database as its owner; used by migrate and db roles only.",
    )
    single_role: Literal["accept"] | None = Field(
        None,
        description="'accept' allows one database URL for everything, without the wall between public reads and vault.",
    )
    host: str = Field("127.0.0.1", description="Address to listen on.")
    port: int = Field(8000, ge=1, le=65535, description="Port to listen on.")
    base_url: str | None = Field(
        None,
        description="Public address of the service, e.g. https://map.example.org. Used in mail and links.",
    )
    secret: SecretStr | None = Field(
        None,
        description="Key for sign-in codes and tokens. Empty: made on first start and kept in the data folder.",
    )
    title: str = Field("Civic Crowd Map", description="Name of this map, shown in the page and in mail.")
    hold_new_content: bool = Field(False, description="True: new assets and comments wait for a moderator.")
    tile_url: str | None = Field(
        None,
        description="Address of a raster base map, with {z} {x} {y}. Empty: ward outlines only.",
    )
    tile_attribution: str = Field("", description="Credit line of that base map. Required with CIVIC_TILE_URL.")
    licence: str = Field("CC-BY-4.0", description="Licence of the public data, named in every list and tile set.")
    attribution: str = Field("", description="Credit line of the public data, e.g. of the boundaries.")
    smtp_url: SecretStr | None = Field(
        None,
        description="Mail server, e.g. smtps://user:password@mail.example.org:465. Empty: mail is tried for some "
        "minutes, then given up; ./civic person sign-in prints a link instead.",
    )
    mail_from: str = Field("map@localhost", description="Sender of the service's mail.")
    pool_size: int = Field(
        8,
        ge=1,
        le=200,
        description="Most database connections that each process keeps for reading, for writing, and for pinning and "
        "knowing who asks, each. At most four more draw tiles: 28 in all. PostgreSQL allows 100 unless told otherwise, "
        "so three processes fit.",
    )
    pool_wait_s: float = Field(
        1.0,
        gt=0,
        le=30,
        description="Seconds a request waits for a connection before it is answered 503.",
    )
    writes_per_hour: int = Field(600, ge=1, description="Writes allowed to one person in an hour.")
    key_writes_per_hour: int = Field(36_000, ge=1, description="Writes allowed to one person's keys in an hour.")
    reads_per_minute: int = Field(
        6000,
        ge=0,
        description="Reads that each process answers to one network address in a minute. 0: any number.",
    )
    sign_ins_per_hour: int = Field(
        6,
        ge=1,
        description="Sign-in mails to one e-mail address in an hour; ten times as many from one network address.",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="How much the service logs.")
    demo: bool = Field(
        False,
        description="Set by ./civic demo: shows sent mail at /dev/mail on a loopback address. Never set it elsewhere.",
    )

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        urls = [self.database_url, self.database_read_url]
        if any(urls) and not all(urls) and self.single_role != "accept":
            raise ValueError(
                "CIVIC_DATABASE_URL and CIVIC_DATABASE_READ_URL belong together: two roles keep exact locations and "
                "contact details away from public reads. Make them with './civic db roles', or "
                "set CIVIC_SINGLE_ROLE=accept."
            )
        if self.tile_url and not self.tile_attribution:
            raise ValueError("CIVIC_TILE_URL needs CIVIC_TILE_ATTRIBUTION: map providers require their credit line.")
        return self

    @property
    def embedded(self) -> bool:
        """True when the service runs its own private PostgreSQL in the data folder."""
        return self.database_url is None and self.database_read_url is None

    @property
    def public_url(self) -> str:
        """The address that links use, without a slash at the end."""
        host = "localhost" if self.host in ("127.0.0.1", "::1") else self.host
        return (self.base_url or f"http://{host}:{self.port}").rstrip("/")
