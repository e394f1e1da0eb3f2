"""kill -9 while people write: whatever was acknowledged is there afterwards, and nothing is there twice."""

import asyncio
import threading
import time
from collections import Counter
from pathlib import Path

from sqlalchemy import text

from app import db, localdb
from app.settings import Settings
from tests.drills import served
from tests.drills.served import WRITERS, Served


def test_no_acknowledged_asset_is_lost_or_doubled_by_kill_9(folder: Path) -> None:
    with served.serving(folder) as service:
        duration = served.seconds(8)
        kills: list[str] = []
        trouble = threading.Thread(target=_trouble, args=(service, duration, kills))
        trouble.start()
        promises = asyncio.run(served.write(service, time.monotonic() + duration, patient=True))
        trouble.join()
        assert len(kills) == 2
        assert promises.failures > 0, "the kills met no unfinished work: nothing was proved"
        assert len(promises.acknowledged) >= 2 * WRITERS
        titles, settings, half_done = asyncio.run(_rows(service))
    assert not set(promises.titles) - set(titles), "acknowledged and lost"
    assert [title for title, count in Counter(titles).items() if count > 1] == []
    assert settings == {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on", "data_checksums": "on"}
    assert half_done == 0
    print(f"\n{len(promises.acknowledged)} acknowledged, {promises.failures} cut off; {'; '.join(kills)}")  # noqa: T201  a drill tells its figures


def _trouble(service: Served, duration: float, kills: list[str]) -> None:
    time.sleep(duration / 4)
    service.kill_postmaster()
    time.sleep(0.5)
    kills.append(f"database killed, ready again after {service.wait_until_ready() + 0.5:.1f} s")
    time.sleep(duration / 4)
    killed = service.kill_everything()
    began = time.monotonic()
    service.start()
    kills.append(f"{killed} processes killed, ready again after {time.monotonic() - began:.1f} s")


async def _rows(service: Served) -> tuple[list[str], dict[str, str], int]:
    """Titles of all assets, the durability of the application's own session, assets without their history or event."""
    with localdb.running(service.data) as cluster:
        write, read = cluster.url("civic_write"), cluster.url("civic_read")
        engines = db.Engines.of(Settings(data=service.data, database_url=write, database_read_url=read))
        async with engines.transaction() as session:
            titles = list(await session.scalars(text("SELECT title FROM asset")))
            names = ("fsync", "synchronous_commit", "full_page_writes", "data_checksums")
            settings = {
                name: str(await session.scalar(text("SELECT current_setting(:name)"), {"name": name})) for name in names
            }
            half_done = await session.scalar(
                text("""SELECT count(*) FROM asset WHERE
                    NOT EXISTS (SELECT FROM history h WHERE h.thing_uid = asset.uid)
                    OR NOT EXISTS (SELECT FROM outbox o WHERE o.thing_uid = asset.uid)
                    OR NOT EXISTS (SELECT FROM state_change s WHERE s.thing = 'asset' AND s.thing_id = asset.id)""")
            )
        await engines.dispose()
    return titles, settings, int(half_done or 0)
