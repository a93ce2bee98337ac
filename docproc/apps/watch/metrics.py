"""Figures for Prometheus, counted since the start of the process."""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    start_http_server,
)

from docproc.errors import UsageError
from docproc.types import PageResult

LOOPBACK = "127.0.0.1"
SECONDS = (0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60)


class Metrics:
    """What was read and what waits; nothing of it is served until `serve` is called."""

    def __init__(self, waiting: Callable[[], float], idle: Callable[[], float]) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        book = self._registry
        self._files = Counter("docproc_files", "Files whose outcome stands.", ["state"], registry=book)
        self._pages = Counter("docproc_pages", "Pages by outcome.", ["outcome"], registry=book)
        self._fields = Counter("docproc_fields", "Fields by status.", ["status"], registry=book)
        self._flagged = Counter("docproc_flagged_fields", "Fields that a person should look at.", registry=book)
        self._seconds = Histogram("docproc_page_seconds", "Preparing one page.", buckets=SECONDS, registry=book)
        Gauge("docproc_waiting_files", "Files that wait.", registry=book).set_function(waiting)
        Gauge("docproc_seconds_since_progress", "Since the last sign of life.", registry=book).set_function(idle)

    def add_file(self, state: str) -> None:
        """Count a file whose outcome stands."""
        self._files.labels(state).inc()

    def add_page(self, result: PageResult) -> None:
        """Count a page and its fields."""
        self._pages.labels("read" if result.failure is None else result.failure.code).inc()
        self._seconds.observe(result.seconds)
        for reading in result.readings:
            self._fields.labels(reading.status).inc()
            if reading.review:
                self._flagged.inc()

    def serve(self, port: int) -> Callable[[], None]:
        """Answer on this computer alone, in a thread of its own; what ends it. Raises UsageError."""
        try:
            server, thread = start_http_server(port, LOOPBACK, self._registry)
        except OSError as error:
            raise UsageError(f"--metrics {port}: {error.strerror}; choose another port") from error

        def end() -> None:
            server.shutdown()
            server.server_close()
            thread.join()

        return end
