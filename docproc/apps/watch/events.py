"""What the system says happens in a folder. It may say too little, or nothing: these are hints, and only save time."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable

from watchdog.events import FileSystemEvent, FileSystemEventHandler
from watchdog.observers import Observer
from watchdog.observers.api import BaseObserver

MOST_HINTS = 10_000
"""Paths that are kept; past it a look at the whole folder costs less."""
GATHER_SECONDS = 0.1
"""After a hint others follow, mostly about the same file."""
SLICE_SECONDS = 0.5
"""How long a request to stop may go unseen."""
TELLING = {"created", "moved", "closed", "modified", "attrib"}
TELLING_OF_FOLDERS = {"created", "moved"}


class Hints:
    """Paths to look at, left by one thread for another."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._woken = threading.Event()
        self._paths: set[str] = set()
        self._lost = False

    def add(self, path: str) -> None:
        """Leave a path."""
        with self._lock:
            self._paths.add(path)
            if len(self._paths) > MOST_HINTS:
                self._lost = True
                self._paths.clear()
        self._woken.set()

    def lose(self) -> None:
        """Say that hints were lost, and only a look at everything helps."""
        with self._lock:
            self._lost = True
        self._woken.set()

    def take(self) -> tuple[list[str], bool]:
        """The paths left since the last time, and whether others were lost."""
        with self._lock:
            taken, lost = sorted(self._paths), self._lost
            self._paths.clear()
            self._lost = False
            self._woken.clear()
        return taken, lost

    def wait(self, seconds: float, stopping: Callable[[], bool]) -> None:
        """Wait, but not longer than until the next hint or a request to stop."""
        while seconds > 0 and not stopping():
            if self._woken.wait(min(seconds, SLICE_SECONDS)):
                time.sleep(min(seconds, GATHER_SECONDS))
                return
            seconds -= SLICE_SECONDS


class Events:
    """Listens to a folder for hints; begins anew when the folder is another one."""

    def __init__(self, folder: str, hints: Hints) -> None:
        self._folder = folder
        self._hints = hints
        self._observer: BaseObserver | None = None
        self._deaf = _Loss(hints)
        logging.getLogger("watchdog").addHandler(self._deaf)
        logging.getLogger("watchdog").propagate = False

    def begin(self) -> str:
        """Listen to the folder that is there now; why that cannot be, if so."""
        self.end()
        observer = Observer()
        try:
            observer.schedule(_Handler(self._folder, self._hints), os.path.realpath(self._folder), recursive=True)
            observer.start()
        except OSError as error:
            return error.strerror or str(error)
        self._observer = observer
        return ""

    def end(self) -> None:
        """Listen no longer."""
        if self._observer is not None:
            self._observer.stop()
            self._observer.join()
            self._observer = None

    def close(self) -> None:
        """Listen no longer, and leave nothing behind."""
        self.end()
        logging.getLogger("watchdog").removeHandler(self._deaf)


class _Handler(FileSystemEventHandler):
    """Turns events into paths that begin with the folder as it was given."""

    def __init__(self, folder: str, hints: Hints) -> None:
        self._given = folder
        self._real = os.path.realpath(folder)
        self._hints = hints

    def on_any_event(self, event: FileSystemEvent) -> None:
        """Leave a hint for what may be a new file or a folder that has come."""
        if event.event_type in (TELLING_OF_FOLDERS if event.is_directory else TELLING):
            path = os.fsdecode(event.dest_path or event.src_path)
            if path.startswith(self._real + os.sep):
                self._hints.add(os.path.join(self._given, path[len(self._real) + 1 :]))


class _Loss(logging.Handler):
    """The library only logs that the system dropped events."""

    def __init__(self, hints: Hints) -> None:
        super().__init__(logging.WARNING)
        self._hints = hints

    def emit(self, record: logging.LogRecord) -> None:
        """Take any warning for a loss: a look too many costs little."""
        self._hints.lose()
