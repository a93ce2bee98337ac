"""Commands for the key that pictures in a ledger are encrypted with."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from docproc.apps.reading import LedgerFile, Results, choose_vault, find_ledger

keys = typer.Typer(no_args_is_help=True, help="Encrypt the pictures of fields that a ledger keeps.")


@keys.command()
def new(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The key file to write.")],
) -> None:
    """Make a key, in a file that only you may read."""
    from docproc.apps.terminal import printable
    from docproc.records.seal import make_key

    seal = make_key(file)
    print(f"key {seal.fingerprint} is in {printable(str(file))}")
    print("keep a copy elsewhere: without it the pictures that it encrypts are lost")


@keys.command(name="seal")
def seal_(
    results: Results,
    key: Annotated[Path, typer.Option(metavar="FILE", help="The key file.")],
    ledger: LedgerFile = None,
) -> None:
    """Encrypt the pictures that a ledger already holds."""
    from docproc.errors import LedgerError
    from docproc.records.ledger import open_ledger, visit_ledger
    from docproc.records.purge import seal_strips

    path, vault = find_ledger(results, ledger), choose_vault(key)
    with visit_ledger(path, vault):
        pass
    # whoever reads pages meanwhile would go on without the key
    with open_ledger(path, vault) as opened:
        sealed = seal_strips(opened)
    print(f"encrypted {sealed.strips:,} of {sealed.kept:,} pictures; all that are kept are encrypted now")
    if sealed.held_by is not None:
        raise LedgerError(
            f"their former bytes may still be in the ledger's files, which {sealed.held_by} has open: "
            "run the same command again when it has ended"
        )
