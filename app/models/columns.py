"""Column types that tables share."""

import uuid
from datetime import UTC, datetime
from typing import Annotated

from sqlalchemy import BigInteger, DateTime, Identity, Text, func, text
from sqlalchemy.dialects.postgresql import UUID
from sqlalchemy.orm import mapped_column

#: Internal key: for order and joins, never shown.
Id = Annotated[int, mapped_column(BigInteger, Identity(), primary_key=True)]
#: Public key: the only one that a URL or an answer carries.
Uid = Annotated[uuid.UUID, mapped_column(UUID(as_uuid=True), unique=True, server_default=text("gen_random_uuid()"))]
Instant = Annotated[datetime, mapped_column(DateTime(timezone=True))]
CreatedAt = Annotated[datetime, mapped_column(DateTime(timezone=True), server_default=func.now())]
LongText = Annotated[str, mapped_column(Text)]
#: Counts the changes of a row; ETags carry it.
Version = Annotated[int, mapped_column(server_default="1", default=1)]


def now() -> datetime:
    """This instant, in UTC."""
    return datetime.now(UTC)
