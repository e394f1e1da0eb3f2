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
    Cache-Control says, `vary` which request headers the answer depends on. The same answer is the same Response, which
    nobody may change."""
    known = asked.get("if-none-match")
    if known and made.plain and _names(known, made.etag):
        status, zipped = 304, False
    else:
        status = 200 if made.plain else 204
        zipped = len(made.plain) >= ZIP_FROM and _takes_gzip(asked.get("accept-encoding", ""))
    form = (status, zipped, fresh, media_type, vary)
    said = made.answers.get(form)
    if said is None:
        said = made.answers[form] = _said(made, *form)
    return said


def _said(made: tiles.Made, status: int, zipped: bool, fresh: str, media_type: str, vary: str) -> Response:
    if status == 204:
        return Response(status_code=204, headers={"Cache-Control": fresh})
    headers = {"Cache-Control": fresh, "ETag": made.etag, "Vary": vary}
    if status == 304:
        return Response(status_code=304, headers=headers)
    if zipped:
        return Response(made.zipped, headers=headers | {"Content-Encoding": "gzip"}, media_type=media_type)
    return Response(made.plain, headers=headers, media_type=media_type)


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
