"""What another model, form or option would change in results, before it replaces anything."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from docproc.apps.reading import (
    Device,
    Forms,
    KeepStrips,
    KeyFile,
    LedgerFile,
    MaxError,
    Model,
    OptionsFile,
    PasswordFile,
    Results,
    Settings,
    Strips,
    Style,
    Workers,
    choose_options,
    choose_vault,
    find_ledger,
    load_recipe,
    open_means,
)
from docproc.apps.terminal import printable
from docproc.errors import Exit, LedgerError, UsageError

if TYPE_CHECKING:
    from docproc.flow.diff import Aside, Difference, Kind

NAMED = 5
KINDS: dict[Kind, str] = {
    "changed": "read as something else",
    "filled": "blank or unreadable before, a value now",
    "emptied": "a value before, none now",
    "new": "found only now",
    "missing": "not found any more",
    "failed": "pages or files that fail now",
    "mended": "pages or files that failed before and are read now",
    "doubted": "the same value, but to look at now",
    "trusted": "the same value, and no longer to look at",
    "settled": "read otherwise, but a person's word stands and stays",
}
"""What became of fields, in words."""


def diff(
    results: Results,
    form: Forms = None,
    max_error: MaxError = None,
    strips: Strips = False,
    style: Style = None,
    device: Device = "auto",
    workers: Workers = None,
    model: Model = None,
    options: OptionsFile = None,
    settings: Settings = None,
    password_file: PasswordFile = None,
    out: Annotated[Path | None, typer.Option(metavar="FILE.html", help="Write a page that shows each change.")] = None,
    keep_strips: KeepStrips = "all",
    key: KeyFile = None,
    ledger: LedgerFile = None,
) -> None:
    """Read the files of results again with other options, and show what would change; nothing is replaced."""
    from functools import partial

    from docproc.apps.progress import show_progress
    from docproc.flow.diff import compare, read_aside
    from docproc.flow.signals import catch_stops
    from docproc.pages.sources import survey
    from docproc.records.about import find_about, tell_differences
    from docproc.records.atomic import check_target
    from docproc.records.ledger import find_key, last_run, require_key, visit_ledger

    if out is not None:
        if out.suffix.lower() not in (".html", ".htm"):
            raise UsageError(f"--out {out}: the page is HTML; name it something.html")
        check_target(out)
    chosen = choose_options(options, settings, password_file, max_error=max_error, strips=strips or None, style=style)
    vault = choose_vault(key, keep_strips)
    with catch_stops() as stopping, visit_ledger(find_ledger(results, ledger), vault) as opened:
        require_key(opened)
        if vault.seal is not None and find_key(opened) is None:
            raise LedgerError(f"the pictures in {opened.name} are not encrypted; run docproc key seal first")
        before = last_run(opened).recipe
        models, recipe = load_recipe(model, device, chosen, form)
        if recipe.key == before:
            raise UsageError("the results were read with just these options, model and forms: name some that differ")
        apart = tell_differences(find_about(opened, before), recipe.about)
        look = partial(survey, options=chosen)
        with open_means(models, recipe, workers) as means, show_progress() as progress:
            aside = read_aside(opened, before, recipe, look, means.mapper, means.reader, progress, stopping)
        found = compare(opened, before, recipe.key)
        if out is not None:
            from docproc.apps.diffpage import write_page

            out = write_page(opened, found, aside, apart, out)
    for line in describe(found, aside, apart, stopping()):
        print(line)
    if out is not None:
        print(f"each change is shown in {printable(str(out))}")
    raise typer.Exit(Exit.INTERRUPTED if stopping() else Exit.OK)


def describe(found: Difference, aside: Aside, apart: tuple[str, ...], stopped: bool) -> Iterator[str]:
    """The lines that say what would change."""
    for line in apart:
        yield f"compared: {printable(line)}"
    yield tell_values(found)
    wide = max((len(f"{count:,}") for _, count in found.counts), default=0)
    for kind, count in found.counts:
        yield f"  {count:>{wide},} {KINDS[kind]}"
    yield from _name(keep_left(aside.gone, found), "cannot be read any more and {} not compared")
    yield from _name(keep_left(aside.replaced, found), "{} other content by now and {} not compared")
    lost = {*aside.gone, *aside.replaced}
    yield from _name(tuple(name for name in found.left if name not in lost), "{} not read yet and not compared")
    if stopped:
        yield "stopped on request; run the same command again to go on"
    yield "nothing was replaced; docproc run with the same options makes these the results"


def keep_left(sources: tuple[str, ...], found: Difference) -> tuple[str, ...]:
    """Those of these sources that could not be compared; of others the bytes were read from a copy."""
    left = set(found.left)
    return tuple(name for name in sources if name in left)


def tell_values(found: Difference) -> str:
    """The main figure."""
    return f"{found.values:,} of {found.fields:,} fields would have another value"


def _name(files: tuple[str, ...], told: str) -> Iterator[str]:
    if files:
        one = len(files) == 1
        verbs = told.replace("{} other", f"{'has' if one else 'have'} other").format("is" if one else "are")
        yield f"{len(files):,} file{'' if one else 's'} {verbs}:"
        for name in files[:NAMED]:
            yield f"    {printable(name)}"
        if len(files) > NAMED:
            yield f"    and {len(files) - NAMED:,} more"
