"""GET /metrics: what Prometheus scrapes, of requests and of the gateway's calls."""

import time

from fastapi import FastAPI, Response
from prometheus_client import CONTENT_TYPE_LATEST, Histogram, generate_latest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_SECONDS = Histogram(
    "passages_http_request_seconds",
    "From a request's arrival to the end of its answer, by the route's path and the status.",
    ["path", "status"],
    buckets=(0.005, 0.01, 0.015, 0.02, 0.03, 0.05, 0.075, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30),
)


class Timed:
    """Times every request of a route; what no route has counts under an empty path."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See the ASGI specification, version 3."""
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        began, status = time.perf_counter(), 500

        async def send_timed(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            return await self._app(scope, receive, send_timed)
        finally:
            path = getattr(scope.get("route"), "path", "")
            _SECONDS.labels(path, status).observe(time.perf_counter() - began)


def add_metrics(app: FastAPI) -> None:
    """Give an app GET /metrics, in Prometheus' text format."""

    @app.get("/metrics", response_class=Response, tags=["health"])
    def metrics() -> Response:
        """Histograms and counters of requests, and of calls of the gateway."""
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)
