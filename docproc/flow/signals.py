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
    # A handler in Python runs between two steps of the main thread, so the order to leave would wait for whatever
    # library call that thread is in. The bytes come through at once, and a thread of their own acts on them.
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    asked = threading.Event()
    before = {number: signal.getsignal(number) for number in STOPS}
    # a signal that the caller ignores, as nohup does with SIGHUP, stays ignored
    caught = [number for number, handler in before.items() if handler is not signal.SIG_IGN]
    listener = threading.Thread(target=_listen, args=(reading, set(caught), asked), daemon=True)
    listener.start()
    former = signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    for number in caught:
        signal.signal(number, _let_listener_act)
    try:
        yield asked.is_set
    finally:
        for number in caught:
            signal.signal(number, before[number])
        signal.set_wakeup_fd(former)
        os.close(writing)
        listener.join()
        os.close(reading)


def _let_listener_act(number: int, frame: FrameType | None) -> None:
    """Keep the signal from its usual effect."""


def _listen(reading: int, caught: set[int], asked: threading.Event) -> None:
    """Take the number of each signal from the pipe until it closes."""
    while number := os.read(reading, 1):
        if number[0] in caught:
            if asked.is_set():
                os._exit(Exit.INTERRUPTED)
            asked.set()
