"""What the shelf keeps, as an answer of HTTP: zipped for those who ask, and not sent again to those who have it."""

from fastapi import Response
from starlette.datastructures import Headers

from app.geo import tiles

#: Smaller answers fit into one packet anyway.
ZIP_FROM = 860


def answer(
    made: tiles.Made, asked: Headers, *, fresh: str, media_type: str = tiles.MEDIA_TYPE, vary: str = "Accept-Encoding"
) -> Response:
    """These bytes with their weak tag; 204 where there are none, 304 for a client that has them. `fresh` is what
    Cache-Control says, `vary` which request headers the answer depends on."""
    if not made.plain:
        return Response(status_code=204, headers={"Cache-Control": fresh})
    headers = {"Cache-Control": fresh, "ETag": made.etag, "Vary": vary}
    known = asked.get("if-none-match")
    if known and _names(known, made.etag):
        return Response(status_code=304, headers=headers)
    if len(made.plain) < ZIP_FROM or not _takes_gzip(asked.get("accept-encoding", "")):
        return Response(made.plain, headers=headers, media_type=media_type)
    return Response(made.zipped, headers=headers | {"Content-Encoding": "gzip"}, media_type=media_type)


def _names(known: str, etag: str) -> bool:
    """RFC 9110, 13.1.2: weak comparison with each tag of a list; `*` is any."""
    tags = [one.strip() for one in known.split(",")]
    return "*" in tags or etag in tags or etag.removeprefix("W/") in tags


def _takes_gzip(accepted: str) -> bool:
    """RFC 9110, 12.5.3: gzip is named, and not with the weight 0."""
    for part in accepted.lower().split(","):
        coding, _, weight = part.partition(";")
        if coding.strip() == "gzip":
            return weight.replace(" ", "").rstrip("0.") not in ("q=", "q")
    return False
