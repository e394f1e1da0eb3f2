"""The days of the samples: every date is counted from the day of seeding, so that a demonstration is always fresh."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

LONDON = ZoneInfo("Europe/London")
#: What people write comes in the course of the day, what is decided comes later: one day never turns round.
MORNING, DECIDED = time(8, tzinfo=UTC), time(17, tzinfo=UTC)


@dataclass(frozen=True)
class Days:
    """Turns offsets in days into dates and instants (UTC)."""

    today: date

    def on(self, days: int) -> date:
        """The date so many days after the day of seeding."""
        return self.today + timedelta(days=days)

    def written(self, ago: int, minute: int = 0) -> datetime:
        """When something was written: so many days ago, and minutes after the beginning of that day's work."""
        return datetime.combine(self.on(-ago), MORNING) + timedelta(minutes=minute)

    def decided(self, ago: int, minute: int = 0) -> datetime:
        """When something was decided: so many days ago, after everything that was written that day."""
        return datetime.combine(self.on(-ago), DECIDED) + timedelta(minutes=minute)

    def clock(self, days: int, clock: str) -> datetime:
        """The instant of a London clock time ("18:30"), so many days after the day of seeding."""
        return datetime.combine(self.on(days), time.fromisoformat(clock), LONDON).astimezone(UTC)
