"""Ways to apply a function to every item, in order: in this process, or in worker processes that may die."""

from __future__ import annotations

import multiprocessing
import signal
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import CancelledError, Future, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from enum import Enum
from functools import partial
from multiprocessing import resource_tracker
from typing import Protocol, TypeVar

from pebble import ProcessExpired, ProcessPool

from docproc.errors import PageError, WorkerError
from docproc.flow import worker
from docproc.types import Failure

T = TypeVar("T")
R = TypeVar("R")

AHEAD = 4
"""Items in flight for each worker: enough that one slow page does not idle the others, few enough to stay small."""
START_SECONDS = 120.0
"""How long workers may take to start on a loaded machine before the pool counts as stuck."""
MOST_BREAKS = 3
"""Pools that broke in a row, with nothing finished in between, before the run gives up."""
CRASHES = 2
"""A page that crashed its worker this often is not tried again."""
CV2_NO_MEMORY = -4
"""`cv2.Error.StsNoMem`: OpenCV reports exhausted memory as its own error."""


class Mapper(Protocol):
    """Yields `function(item)` for every item, in order; what cannot be had is `lost(item, failure)` instead."""

    def __call__(
        self, function: Callable[[T], R], items: Iterable[T], lost: Callable[[T, Failure], R], /
    ) -> Iterator[R]:
        """Take items only as fast as their outcomes are taken."""
        ...


class Mishap(Enum):
    """Why a future holds no outcome of its own."""

    CRASHED = "the worker died of this item"
    BROKEN = "the pool died of something"


def in_process(function: Callable[[T], R], items: Iterable[T], lost: Callable[[T, Failure], R], /) -> Iterator[R]:
    """Map in this process: no time or memory limit, and a native crash ends the run."""
    for item in items:
        outcome = attempt(function, item)
        yield lost(item, outcome) if isinstance(outcome, Failure) else outcome


@contextmanager
def in_processes(workers: int, seconds: float, megabytes: int) -> Iterator[Mapper]:
    """A mapper over `workers` processes; an item has `seconds` and a worker `megabytes`.

    Raises WorkerError where worker processes cannot be started at all.
    """
    crew = _Crew(workers, seconds, megabytes)
    try:
        yield partial(_map, crew)
    finally:
        crew.stop()


@contextmanager
def choose_mapper(workers: int, seconds: float, megabytes: int) -> Iterator[Mapper]:
    """A mapper over processes, or with no workers one without them and their limits; this process then keeps its memory
    as they do."""
    if workers == 0:
        worker.keep_memory()
        yield in_process
        return
    with in_processes(workers, seconds, megabytes) as mapper:
        yield mapper


def attempt(function: Callable[[T], R], item: T) -> R | Failure:
    """The function's result, or the failure that its exception stands for."""
    try:
        return function(item)
    except PageError as error:
        return Failure(error.code, error.detail)
    except MemoryError:
        return Failure("memory")
    except Exception as error:
        if type(error).__module__.startswith("cv2") and getattr(error, "code", 0) == CV2_NO_MEMORY:
            return Failure("memory", str(error))
        return Failure("bug", f"{type(error).__name__}: {error}")


def _map(
    crew: _Crew, function: Callable[[T], R], items: Iterable[T], lost: Callable[[T, Failure], R], /
) -> Iterator[R]:
    waiting = iter(items)
    flight: deque[tuple[T, Future[R | Failure]]] = deque()
    more = True
    while more or flight:
        while more and len(flight) < crew.workers * AHEAD:
            try:
                item = next(waiting)
            except StopIteration:
                more = False
            else:
                flight.append((item, crew.submit(function, item)))
        if not flight:
            return
        item, future = flight.popleft()
        outcome = crew.wait(future)
        if isinstance(outcome, Mishap):
            others = [other for _, other in flight]
            outcome = crew.try_alone(function, item, outcome, others)
        yield lost(item, outcome) if isinstance(outcome, Failure) else outcome


class _Crew:
    """A pebble pool that is replaced when it breaks."""

    def __init__(self, workers: int, seconds: float, megabytes: int) -> None:
        self.workers = workers
        self._seconds = seconds
        self._megabytes = megabytes
        self._breaks = 0
        self._pool = self._start()

    def _start(self) -> ProcessPool:
        # spawn, because a fork copies the locks of torch's threads in whatever state they are
        context = multiprocessing.get_context("spawn")
        with _explaining():
            _start_tracker()
        return ProcessPool(
            max_workers=self.workers, initializer=worker.start, initargs=(self._megabytes,), context=context
        )

    def submit(self, function: Callable[[T], R], item: T) -> Future[R | Failure]:
        """Queue the item; on a broken pool the future is born cancelled, which `wait` calls BROKEN."""
        try:
            with _explaining():  # the first item starts the workers
                return self._pool.schedule(attempt, args=(function, item), timeout=self._seconds)
        except RuntimeError:
            stillborn: Future[R | Failure] = Future()
            stillborn.cancel()
            return stillborn

    def wait(self, future: Future[R | Failure]) -> R | Failure | Mishap:
        """The outcome of a submitted item, waiting for it."""
        try:
            outcome = future.result(timeout=START_SECONDS + 2 * self._seconds)
        except TimeoutError:
            if not future.done():
                return Mishap.BROKEN
            outcome = Failure("timeout", f"longer than page_seconds = {self._seconds:g}")
        except ProcessExpired:
            return Mishap.CRASHED
        except (BrokenProcessPool, CancelledError):
            return Mishap.BROKEN
        except Exception as error:  # pebble's own, such as an item that cannot be pickled
            outcome = Failure("bug", f"{type(error).__name__}: {error}")
        self._breaks = 0
        return outcome

    def try_alone(
        self, function: Callable[[T], R], item: T, mishap: Mishap, others: list[Future[R | Failure]]
    ) -> R | Failure:
        """Give the item a second chance with no other in flight, so that nothing else can be to blame or suffer."""
        wait(others, timeout=START_SECONDS + 2 * self._seconds)
        crashes = 0
        while True:
            if mishap is Mishap.CRASHED:
                crashes += 1
                if crashes == CRASHES:
                    return Failure("crash")
            else:
                self._replace(others)
            outcome = self.wait(self.submit(function, item))
            if not isinstance(outcome, Mishap):
                return outcome
            mishap = outcome

    def _replace(self, others: list[Future[R | Failure]]) -> None:
        self._breaks += 1
        if self._breaks > MOST_BREAKS:
            raise WorkerError(
                "worker processes do not start; raise worker_megabytes, or run with --workers 0 to read without them"
            )
        for future in others:
            future.cancel()
        self.stop()
        self._pool = self._start()

    def stop(self) -> None:
        """End all workers, whatever they are doing."""
        self._pool.stop()  # type: ignore[no-untyped-call]
        self._pool.join()


@contextmanager
def _explaining() -> Iterator[None]:
    """Turn what the system refuses into a WorkerError that says what to do."""
    try:
        yield
    except OSError as error:
        raise WorkerError(
            f"worker processes cannot be started: {error.strerror or error}; close other programs, or run with"
            " fewer --workers, or with --workers 0 to read without them"
        ) from error


def _start_tracker() -> None:
    """Start multiprocessing's own helper deaf to the terminal's hang-up, which it would die of with a traceback."""
    if not hasattr(signal, "SIGHUP"):
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP})  # the helper inherits the mask
    try:
        resource_tracker.ensure_running()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
