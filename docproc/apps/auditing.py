"""Commands for what people say of readings: what care costs, how wrong the rest may be, and whether nobody tampered."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from docproc.apps.reading import KeyFile, LedgerFile, Results, choose_vault, find_ledger, find_results
from docproc.errors import LedgerError, UsageError

if TYPE_CHECKING:
    from docproc.records.ledger import Ledger

auditing = typer.Typer()

MOST_SAMPLE = 100_000
Who = Annotated[str, typer.Option(metavar="NAME", help="Who does it; the name that you are logged in with.")]


@auditing.command()
def budget(
    results: Results,
    seconds: Annotated[
        float | None, typer.Option(min=0.1, max=600, metavar="S", help="What a look takes; measured if left out.")
    ] = None,
    ledger: LedgerFile = None,
) -> None:
    """Say what care costs: how many fields a person looks at for each share of wrong values that one can bear."""
    from docproc.apps.auditwords import describe_budget
    from docproc.flow.budget import SECONDS, choose_shares, list_offers
    from docproc.records.audit import find_max_error, list_judged
    from docproc.records.ledger import last_run, visit_ledger
    from docproc.records.queue import measure_pace

    with visit_ledger(find_ledger(results, ledger)) as opened:
        recipe = last_run(opened).recipe
        fields, borne = list_judged(opened, recipe), find_max_error(opened, recipe)
        measured = measure_pace(opened)
    pace = seconds or measured or SECONDS
    known = "" if seconds else "as measured" if measured else "as usual"
    for line in describe_budget(fields, list_offers(fields, pace, choose_shares(borne)), borne, pace, known):
        print(line)


@auditing.command()
def audit(
    results: Results,
    sample: Annotated[
        int | None,
        typer.Option(min=1, max=MOST_SAMPLE, metavar="N", help="Draw N accepted fields to be keyed blind."),
    ] = None,
    seed: Annotated[
        int | None, typer.Option(min=0, max=2**31, help="Another seed draws others; by chance if left out.")
    ] = None,
    report: Annotated[bool, typer.Option("--report", help="Say what the keyed sample shows.")] = False,
    tighten: Annotated[
        bool, typer.Option("--tighten", help="After too many errors: send less sure values to people, too.")
    ] = False,
    who: Who = "",
    ledger: LedgerFile = None,
) -> None:
    """Measure how wrong the accepted fields are: draw a sample, have it keyed blind in review, and say the bound."""
    from docproc.records.ledger import visit_ledger

    if (sample is not None) + report + tighten != 1:
        raise UsageError("say one of --sample N, --report and --tighten")
    if seed is not None and sample is None:
        raise UsageError("--seed goes with --sample")
    with visit_ledger(find_ledger(results, ledger)) as opened:
        if sample is not None:
            _draw(opened, sample, seed, who or _find_user())
        elif tighten:
            _tighten(opened, who or _find_user(), results, ledger)
        else:
            _report(opened)


@auditing.command()
def verify(
    results: Results,
    head: Annotated[
        str,
        typer.Option(metavar="HASH", help="The chain's last hash as a certificate states it: it must still be there."),
    ] = "",
    ledger: LedgerFile = None,
) -> None:
    """Check that nobody tampered with what people said: the chain of corrections, and the samples of audits."""
    from docproc.records.ledger import visit_ledger
    from docproc.records.proof import verify as prove

    wanted = head.strip().lower()
    if wanted and re.fullmatch(r"[0-9a-f]{12,64}", wanted) is None:
        raise UsageError("--head takes the hash of a certificate, or its first 12 letters at least")
    with visit_ledger(find_ledger(results, ledger)) as opened:
        proof = prove(opened, wanted)
        name = opened.name
    if proof.broken:
        raise LedgerError(f"{name}: {proof.broken}; find out who changed the file, and go back to a copy that verifies")
    print(f"all as it was written: corrections {proof.chain.rows:,}, audits {proof.audits:,}")
    if proof.chain.rows:
        print(f"last hash: {proof.chain.head}")


@auditing.command()
def certificate(
    results: Results,
    out: Annotated[Path, typer.Option(metavar="BATCH.html", help="The page to write: one file, to print or to keep.")],
    ledger: LedgerFile = None,
    key: KeyFile = None,
) -> None:
    """Write one page that says what the batch came to: counts, people, audit, doubts, and hashes of all of it."""
    from docproc.apps.certificate import write_certificate
    from docproc.apps.terminal import printable
    from docproc.records.atomic import check_target
    from docproc.records.export import export_now
    from docproc.records.ledger import require_key, visit_ledger

    if out.suffix.lower() not in (".html", ".htm"):
        raise UsageError(f"--out {out}: the page is HTML; name it something.html")
    check_target(out)
    path = find_ledger(results, ledger)
    with visit_ledger(path, choose_vault(key)) as opened:
        require_key(opened)
        # the page states the hash of the results: they shall be those of the ledger
        written = export_now(find_results(results), path)
        made = write_certificate(opened, written, out)
    if made.broken:
        raise LedgerError(f"{path.name}: {made.broken}; the page says so, too; go back to a copy that verifies")
    print(f"the certificate is in {printable(str(out))}")


def _draw(ledger: Ledger, count: int, seed: int | None, who: str) -> None:
    """Draw a sample and write it down."""
    import secrets

    from docproc.apps.auditwords import describe_drawn
    from docproc.flow.audit import draw_sample
    from docproc.records.audit import count_audits, find_max_error, keep_sample, list_judged
    from docproc.records.ledger import last_run

    recipe = last_run(ledger).recipe
    accepted = [field for field in list_judged(ledger, recipe) if not field.flagged and not field.answered]
    if not accepted:
        raise UsageError("there is no accepted field that nobody looked at; nothing is left to audit")
    before = count_audits(ledger, recipe)
    chosen = secrets.randbelow(2**31) if seed is None else seed
    drawn = draw_sample(accepted, count, chosen)
    made = keep_sample(ledger, recipe, who, chosen, len(accepted), find_max_error(ledger, recipe), drawn)
    for line in describe_drawn(made, before):
        print(line)


def _report(ledger: Ledger) -> None:
    """Say what the last audit shows."""
    from docproc.apps.auditwords import describe_report
    from docproc.flow.audit import report
    from docproc.records.answered import find_doubts
    from docproc.records.audit import find_audit, list_outcomes
    from docproc.records.ledger import last_run

    recipe = last_run(ledger).recipe
    found = find_audit(ledger, recipe)
    if found is None:
        raise UsageError("no sample was drawn of these readings; draw one with --sample 300")
    told = report(found, list_outcomes(ledger, found), find_doubts(ledger, recipe).least)
    for line in describe_report(told):
        print(line)


def _tighten(ledger: Ledger, who: str, results: Path, place: Path | None) -> None:
    """Raise the threshold as the last audit demands, and let the results say so."""
    from docproc.flow.audit import find_least, report
    from docproc.records.answered import find_doubts
    from docproc.records.audit import find_audit, keep_threshold, list_judged, list_outcomes
    from docproc.records.export import export_now
    from docproc.records.ledger import last_run

    recipe = last_run(ledger).recipe
    found = find_audit(ledger, recipe)
    if found is None:
        raise UsageError("no sample was drawn of these readings; draw one with --sample 300")
    outcomes = list_outcomes(ledger, found)
    told = report(found, outcomes, find_doubts(ledger, recipe).least)
    if told.bound is None:
        raise UsageError("the sample is not keyed yet; key it in docproc review, or see --report")
    if told.tightened:
        raise UsageError("the threshold was raised after this audit; draw a new sample")
    if not told.too_many:
        raise UsageError("the audit did not find more wrong than the run was to accept; nothing needs to change")
    if told.blank == told.wrong:
        raise UsageError("only fields read as blank were wrong, which no confidence tells; look at the blank ones")
    accepted = [f for f in list_judged(ledger, recipe) if not f.flagged and not f.answered and f.status == "value"]
    least = find_least([field.confidence for field in accepted], outcomes, found.max_error)
    moved = sum(field.confidence < least for field in accepted)
    keep_threshold(ledger, found, who, least)
    export_now(find_results(results), place)
    which = f"values less sure than {least:.6g}" if least <= 1 else "all values that nobody looked at"
    print(f"{which} are to be looked at: {moved:,} more fields")
    print("then: review them, and draw a new sample of what is left")


def _find_user() -> str:
    """The name that somebody is logged in with."""
    import getpass

    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError) as error:
        raise UsageError("who you are is not known here; give --who NAME") from error
