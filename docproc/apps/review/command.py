"""The command that opens results in the browser, for people to look at what is flagged."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from docproc.apps.reading import KeyFile, LedgerFile, Results, choose_vault, find_ledger, find_results
from docproc.errors import UsageError


def review(
    results: Results,
    double: Annotated[
        list[str] | None,
        typer.Option(metavar="FIELD", help="Key fields of this name twice, blind; or all that are flagged."),
    ] = None,
    first: Annotated[
        Literal["machine", "person"], typer.Option(help="Who keys first what is keyed twice.")
    ] = "machine",
    who: Annotated[str, typer.Option(metavar="NAME", help="Your name; the page asks if left out.")] = "",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Where the page is served; any free port if 0.")] = 0,
    host: Annotated[
        str, typer.Option(metavar="ADDRESS", help="Where to listen: other computers come in only with --password-file.")
    ] = "127.0.0.1",
    name: Annotated[
        list[str] | None, typer.Option(metavar="HOST", help="A name that others know this computer or its proxy by.")
    ] = None,
    password_file: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Who may log in: one password, or lines of name:password.")
    ] = None,
    no_open: Annotated[bool, typer.Option("--no-open", help="Print the address and open no browser.")] = False,
    export: Annotated[
        Path | None, typer.Option(metavar="PILE.html", help="Write a page to review on a computer without docproc.")
    ] = None,
    merge: Annotated[
        Path | None, typer.Option("--import", metavar="FILE.json", help="Merge the corrections that such a page saved.")
    ] = None,
    ledger: LedgerFile = None,
    key: KeyFile = None,
) -> None:
    """Look at what is flagged, in the browser: each value beside its picture, corrected by keyboard."""
    from docproc.apps.local.server import choose_place, find_user, show
    from docproc.apps.review.desk import open_desk
    from docproc.apps.review.follow import follow
    from docproc.apps.review.pictures import open_darkroom
    from docproc.apps.review.routes import Reviewing
    from docproc.apps.terminal import printable
    from docproc.pages.scratch import open_scratch
    from docproc.records.queue import Keying

    if export is not None or merge is not None:
        _carry(results, ledger, key, export, merge)
        return
    place = choose_place(port, host, tuple(name or ()), password_file, who)
    path = find_ledger(results, ledger)
    names = frozenset(double or ()) - {"flagged"}
    keying = Keying(names, "flagged" in (double or ()), first)
    with (
        open_scratch(),
        open_desk(path, choose_vault(key), keying) as desk,
        open_darkroom() as darkroom,
        follow(find_results(results), path) as follower,
    ):
        app = Reviewing(printable(results.name), desk, darkroom, follower, find_user(), password_file is not None).app()
        show(app, place, not no_open, printable(str(results)))
    if follower.trouble:
        print(f"all answers are in the ledger, but {printable(follower.trouble)}", file=sys.stderr)


def _carry(results: Path, ledger: Path | None, key: Path | None, export: Path | None, merge: Path | None) -> None:
    """Take corrections from elsewhere, and write what is still to be looked at for elsewhere."""
    from docproc.apps.review.offline import merge_file, write_pile
    from docproc.apps.terminal import printable
    from docproc.records.atomic import check_target
    from docproc.records.export import export_now
    from docproc.records.ledger import require_key, visit_ledger
    from docproc.records.queue import Keying, Queue

    if export is not None:
        if export.suffix.lower() not in (".html", ".htm"):
            raise UsageError(f"--export {export}: the page is HTML; name it something.html")
        check_target(export)
    path = find_ledger(results, ledger)
    with visit_ledger(path, choose_vault(key)) as opened:
        if merge is not None:
            merged = merge_file(opened, merge)
            print(f"{merged.taken:,} corrections were taken, {merged.known:,} were there already")
            if merged.disputed:
                print(f"{merged.disputed:,} differ from what others said meanwhile: they wait for a third look")
            if merged.lost:
                print(f"{merged.lost:,} belong to fields that are not in the ledger any more")
            print(f"results are in {printable(str(export_now(find_results(results), path)))}")
        if export is not None:
            require_key(opened)
            pile = write_pile(Queue(opened, Keying(flagged=False)), printable(results.name), export)
            more = f", {pile.more:,} more wait" if pile.more else ""
            print(f"{pile.fields:,} fields are in {printable(str(pile.path))}{more}")
            print(
                f"then: docproc review {printable(str(results))} --import FILE.json, with the file that the page saves"
            )
