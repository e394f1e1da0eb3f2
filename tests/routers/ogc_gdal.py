"""GDAL in a process of its own: it holds the interpreter while it waits for a server, which may be in the same one."""

import multiprocessing
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from typing import Any


def layers(address: str) -> list[str]:
    """The names of the layers."""
    import pyogrio  # noqa: PLC0415  only the other process loads it

    return [str(layer[0]) for layer in pyogrio.list_layers(address)]


def info(address: str, layer: str) -> dict[str, Any]:
    """What GDAL knows of a layer before it reads it; `types` are those of its columns."""
    import pyogrio  # noqa: PLC0415

    found = pyogrio.read_info(address, layer=layer)
    types = dict(zip(map(str, found["fields"]), found["ogr_types"], strict=True))
    return {
        "features": found["features"], "types": types, "geometry_type": found["geometry_type"],
        "fast_feature_count": found["capabilities"]["fast_feature_count"],
    }  # fmt: skip


def read(address: str, **asked: Any) -> tuple[str, list[dict[str, Any]], list[bytes | None]]:
    """The system of a layer, its rows as dictionaries, its shapes as WKB."""
    import pyogrio  # noqa: PLC0415

    about, _, shapes, columns = pyogrio.raw.read(address, **asked)
    names = [str(name) for name in about["fields"]]
    rows = [dict(zip(names, values, strict=True)) for values in zip(*(c.tolist() for c in columns), strict=True)]
    return str(about["crs"]), rows, [None if shape is None else bytes(shape) for shape in shapes]


@contextmanager
def running() -> Iterator[ProcessPoolExecutor]:
    """The other process, until the block ends."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        yield pool
