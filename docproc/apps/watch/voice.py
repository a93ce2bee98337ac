"""What the watcher says: a line for each file on standard error and, on a terminal, what it does just now."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from rich.console import Console
from rich.text import Text


@dataclass(frozen=True, slots=True)
class Voice:
    """`say` leaves a line, `show` changes the one that tells what is being done."""

    say: Callable[[str], None]
    show: Callable[[str], None]


@contextmanager
def open_voice() -> Iterator[Voice]:
    """A voice on standard error. A pipe that nobody reads any more does not end the watcher."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield Voice(_print, lambda text: None)
        return
    with console.status(Text("starting")) as status:

        def say(line: str) -> None:
            console.print(Text(f"{_now()} {line}"), soft_wrap=True)

        yield Voice(say, lambda text: status.update(Text(text)))


def _print(line: str) -> None:
    with suppress(OSError, ValueError):
        print(f"{_now()} {line}", file=sys.stderr, flush=True)


def _now() -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S")
