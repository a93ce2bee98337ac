"""A watch from its start to its end: what is checked, opened, told and closed around the endless part."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from docproc.apps.reading import open_means
from docproc.apps.summary import describe
from docproc.apps.watch.attend import attend, read_once
from docproc.apps.watch.events import Events, Hints
from docproc.apps.watch.filing import Folders
from docproc.apps.watch.lookout import Lookout, Pace
from docproc.apps.watch.places import check_places
from docproc.apps.watch.pulse import Pulse
from docproc.apps.watch.service import notify
from docproc.apps.watch.table import Table
from docproc.apps.watch.voice import open_voice
from docproc.apps.watch.watcher import Tools, Watcher
from docproc.errors import Exit
from docproc.flow.job import Job, Summary, check_outputs, put_out
from docproc.flow.signals import catch_stops
from docproc.options import Options, Recipe
from docproc.pages.sources import survey
from docproc.records.atomic import sweep_parts
from docproc.records.ledger import Ledger, Run, begin, open_ledger
from docproc.records.strips import count_plain
from docproc.records.tally import tally
from docproc.records.watched import count_sources, list_waiting

if TYPE_CHECKING:
    from docproc.recognize.models import Models


@dataclass(frozen=True, slots=True)
class Order:
    """What to watch and where to put what; `port` is where figures are served, if they are."""

    job: Job
    folders: Folders
    pace: Pace
    port: int | None = None


def keep_watch(order: Order, options: Options, load: Callable[[], tuple[Models, Recipe]], workers: int | None) -> Exit:
    """Watch until asked to stop, or once through what is there; how it ended."""
    job, clock, start = order.job, time.monotonic, time.monotonic()
    assert job.out is not None
    with ExitStack() as stack:
        stopping = stack.enter_context(catch_stops())
        check_places(job, order.folders)
        check_outputs(job)
        models, recipe = load()
        voice = stack.enter_context(open_voice())
        ledger = stack.enter_context(open_ledger(job.ledger_path, job.vault))
        sweep_parts(job.out)
        turn = begin(ledger, recipe.key, recipe.about, job.layout)
        table = Table(partial(put_out, ledger, recipe.key, job), clock)
        pulse = Pulse(ledger, turn, voice.show, clock)
        if order.port is not None:
            stack.callback(pulse.metrics.serve(order.port))
        hints = Hints()
        folders, pace = order.folders, order.pace
        lookout = Lookout(folders.inbox, pace, ledger, turn, hints, voice.say, clock)
        watcher = Watcher(folders, pace, ledger, turn, lookout, table, pulse, voice.say, clock, stopping)
        if options.passwords:
            watcher.try_again("encrypted")

        @contextmanager
        def open_tools() -> Iterator[Tools]:
            with open_means(models, recipe, workers) as means:
                yield Tools(partial(survey, options=options), means.mapper, pulse.count(means.reader))

        notify("READY=1")
        if pace.once:
            read_once(watcher, open_tools, hints, stopping)
        else:
            events = Events(folders.inbox, hints)
            stack.callback(events.close)
            attend(watcher, open_tools, pulse, hints, events, voice.say, stopping)
        notify("STOPPING=1")
        table.finish()
        pulse.leave("stopped", watcher.count())
        if pace.once:
            return _tell_end(watcher, job, ledger, turn, stopping(), clock() - start)
        voice.say(f"stopped on request; files that wait for the next start: {watcher.count():,}")
    return Exit.OK


def _tell_end(watcher: Watcher, job: Job, ledger: Ledger, turn: Run, stopped: bool, seconds: float) -> Exit:
    """Say what a single look came to, as `docproc run` does; the exit code."""
    files, pages = count_sources(ledger, turn)
    summary = Summary(
        files=files,
        pages=pages,
        resumed=0,
        tally=tally(ledger, turn),
        skipped=tuple(watcher.skipped),
        out=job.out,
        interrupted=stopped,
        seconds=seconds,
        replaced=watcher.replaced,
        plain_strips=0 if job.vault.seal is None else count_plain(ledger),
    )
    for line in describe(summary, job.out):
        print(line, file=sys.stderr)
    waiting = len(list_waiting(ledger))
    if waiting:
        print(f"{waiting:,} of the files wait to be looked at again: run the same command once more", file=sys.stderr)
    return summary.code
