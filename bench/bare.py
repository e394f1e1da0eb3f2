"""The frameworks alone: one answer, always the same, by Starlette and by FastAPI. uvicorn makes them (--factory).

The file named by BENCH_ANSWER holds the answer: one line of JSON with its headers, then its bytes.
"""

import json
import os
from pathlib import Path

from fastapi import FastAPI, Response
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.routing import Route


def _answer() -> tuple[bytes, dict[str, str]]:
    headers, _, body = Path(os.environ["BENCH_ANSWER"]).read_bytes().partition(b"\n")
    return body, json.loads(headers)


def starlette() -> Starlette:
    """A route of Starlette's."""
    body, headers = _answer()

    async def tile(request: Request) -> Response:
        if request.headers.get("if-none-match") == headers["etag"]:
            return Response(status_code=304, headers=headers)
        return Response(body, headers=headers)

    return Starlette(routes=[Route("/tiles/{z:int}/{x:int}/{y:int}.mvt", tile)])


def fastapi() -> FastAPI:
    """A route of FastAPI's with the same parameters as ours."""
    body, headers = _answer()
    app = FastAPI()

    @app.get("/tiles/{z}/{x}/{y}.mvt")
    async def tile(z: int, x: int, y: int) -> Response:
        return Response(body, headers=headers)

    return app
