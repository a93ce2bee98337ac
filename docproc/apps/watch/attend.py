"""The endless part: step after step, and no error ends it but a request to stop."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress

from docproc.apps.watch.events import SLICE_SECONDS, Events, Hints
from docproc.apps.watch.pulse import BEAT_SECONDS, Pulse
from docproc.apps.watch.watcher import Tools, Watcher
from docproc.errors import DocprocError, LedgerError, WorkerError

LONGEST_PAUSE = 300.0
"""Between tries, while an error lasts."""

Opening = Callable[[], AbstractContextManager[Tools]]


def attend(
    watcher: Watcher,
    opening: Opening,
    pulse: Pulse,
    hints: Hints,
    events: Events,
    say: Callable[[str], None],
    stopping: Callable[[], bool],
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Watch until asked to stop. Errors are told and waited out; what is read with is opened anew after one."""
    errors = 0
    followed = None
    while not stopping():
        try:
            with opening() as tools:
                while not stopping():
                    pause = watcher.step(tools)
                    errors, pulse.error = 0, ""
                    if watcher.folder != followed:
                        followed = watcher.folder
                        _follow(events, followed is not None, say)
                    hints.wait(min(pause, BEAT_SECONDS), stopping)
            return
        except (LedgerError, WorkerError) as error:
            watcher.spare()
            told = str(error)
        except DocprocError:
            raise
        except Exception as error:
            say("".join(traceback.format_exception(error)).rstrip())
            told = f"a bug in docproc ({type(error).__name__}: {error}); please report it"
        errors += 1
        wait = min(2.0**errors, LONGEST_PAUSE)
        say(f"{told}; trying again in {wait:.0f} s")
        pulse.error = told
        with suppress(LedgerError):
            pulse.leave("waiting after an error", watcher.count())
        while wait > 0 and not stopping():
            sleep(min(wait, SLICE_SECONDS))
            wait -= SLICE_SECONDS


def read_once(watcher: Watcher, opening: Opening, hints: Hints, stopping: Callable[[], bool]) -> None:
    """Read what is there, each file once, and end. Raises what stands against it."""
    with opening() as tools:
        pause = watcher.step(tools)
        while watcher.count() and not stopping():
            hints.wait(pause, stopping)
            pause = watcher.step(tools)


def _follow(events: Events, there: bool, say: Callable[[str], None]) -> None:
    """Listen to the folder that is there now."""
    if not there:
        events.end()
        return
    problem = events.begin()
    if problem:
        say(f"the system tells of no new files here ({problem}); they are found at the next look")
