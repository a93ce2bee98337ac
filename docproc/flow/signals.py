"""Asking a run to stop: the first signal is a request, the second is an order."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from docproc.errors import Exit

STOPS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))


@contextmanager
def catch_stops() -> Iterator[Callable[[], bool]]:
    """Tell whether Ctrl-C, SIGTERM or SIGHUP came; a second one ends the process at once.

    That is safe: every recorded page is committed, and workers end when their parent does. Main thread only.
    """
    asked = threading.Event()

    def stop(number: int, frame: FrameType | None) -> None:
        if asked.is_set():
            os._exit(Exit.INTERRUPTED)
        asked.set()

    # a signal that the caller ignores, as nohup does with SIGHUP, stays ignored
    before = {number: signal.getsignal(number) for number in STOPS}
    for number, handler in before.items():
        if handler is not signal.SIG_IGN:
            signal.signal(number, stop)
    try:
        yield asked.is_set
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
