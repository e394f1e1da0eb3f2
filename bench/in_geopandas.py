"""What bench/reports.py has geopandas do: read the assets and the wards, join them, count by ward and kind.

    python bench/in_geopandas.py ADDRESS ROUNDS < codes of wards

Runs in an environment of its own (bench/geopandas.lock) and knows nothing of ours. Prints the seconds of each round and
the counts of the last, as JSON.
"""

import json
import sys
import time

import geopandas
import pandas
import sqlalchemy

# The quickest of the ways that were tried: coordinates as two numbers are read in a third of the time of geometries.
ASSETS = (
    "SELECT kind, theme, stage, ST_X(anchor) AS lon, ST_Y(anchor) AS lat FROM asset "
    "WHERE state = 'published' AND audience = 'public' AND stage <> 'ended' AND anchor IS NOT NULL"
)
WARDS = "SELECT code, geom FROM area WHERE level = 'ward' AND ended_at IS NULL AND code = ANY(%(codes)s)"


def count(engine: sqlalchemy.Engine, codes: list[str]) -> pandas.Series:
    """Assets by ward and kind."""
    table = pandas.read_sql(ASSETS, engine)
    assets = geopandas.GeoDataFrame(table, geometry=geopandas.points_from_xy(table.lon, table.lat), crs=4326)
    wards = geopandas.read_postgis(WARDS, engine, geom_col="geom", params={"codes": codes})
    return assets.sjoin(wards, predicate="within").groupby(["code", "kind"]).size()


def main() -> None:
    """Count as often as asked."""
    engine = sqlalchemy.create_engine(sys.argv[1])
    codes = sys.stdin.read().split()
    seconds = []
    for _ in range(int(sys.argv[2])):
        began = time.perf_counter()
        counts = count(engine, codes)
        seconds.append(time.perf_counter() - began)
    found = [[code, kind, int(n)] for (code, kind), n in counts.items()]
    print(json.dumps({"seconds": seconds, "counts": found}))


if __name__ == "__main__":
    main()
