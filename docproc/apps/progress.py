"""The progress bar of a run, on a terminal's standard error only."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar
from rich.text import Text

from docproc.flow.job import Progress, Stage

TITLES: dict[Stage, str] = {"survey": "looking at files", "read": "reading pages"}


class Speed(ProgressColumn):
    """How many files or pages a second."""

    def render(self, task: Task) -> Text:
        """The speed of the last while; nothing until there is one."""
        speed = task.finished_speed or task.speed
        return Text(f"{speed:.1f}/s" if speed else "")


@contextmanager
def show_progress() -> Iterator[Progress]:
    """A callback that draws a bar with speed and time left; it draws nothing where nobody watches."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda stage, done, total: None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), Speed(), TimeRemainingColumn())
    with Bar(*columns, console=console, transient=True) as bar:
        tasks = {stage: bar.add_task(title, total=None, visible=False) for stage, title in TITLES.items()}

        def show(stage: Stage, done: int, total: int) -> None:
            bar.update(tasks[stage], completed=done, total=total, visible=total > 0)

        yield show
