"""Budgets and audits in words for the person who answers for the results."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from docproc.flow.audit import SURENESS, Report
from docproc.flow.budget import Offer
from docproc.records.audit import Audit, Judged

BOUND_PLACES = 4
"""Digits of a bound that are shown."""


def show_share(share: float) -> str:
    """A share as people say it, with as many places as it needs: 0.5 %, 0.05 %."""
    return f"{100 * share:.4g} %"


def show_bound(share: float) -> str:
    """A share that is at most so large, so it is rounded up: 0.9936 %."""
    if share <= 0:
        return "0 %"
    unit = 10.0 ** (math.floor(math.log10(100 * share)) - BOUND_PLACES + 1)
    return f"{math.ceil(round(100 * share / unit, 6)) * unit:.{BOUND_PLACES}g} %"


def describe_budget(
    fields: Sequence[Judged], offers: Sequence[Offer], borne: float, seconds: float, known: str
) -> Iterator[str]:
    """The lines of a budget; `borne` is the share that the run was to accept, `known` how the seconds are known."""
    flagged = sum(field.flagged and not field.settled for field in fields)
    settled = sum(field.settled for field in fields)
    doubtful = sum(field.doubtful and not field.settled for field in fields)
    yield f"{len(fields):,} fields: {flagged:,} to look at as things stand, {settled:,} settled by people"
    yield f"a look takes {seconds:.2g} s" + (f", {known}" if known else "")
    yield ""
    yield f"{'wrong at most':>13}  {'look at':>9}  {'minutes':>9}  {'accepted unseen':>15}  {'wrong expected':>14}"
    for offer in offers:
        mark = "  (this run)" if offer.max_error == borne else ""
        yield (
            f"{show_share(offer.max_error):>13}  {offer.left:>9,}  {offer.minutes:>9,.0f}  {offer.accepted:>15,}"
            f"  {offer.wrong:>14,.1f}{mark}"
        )
    yield ""
    if doubtful:
        yield f"of each, {doubtful:,} have doubts of their own and are looked at whatever the share"
    yield "to read with another share: docproc run ... --max-error; what holds is measured by docproc audit"


def describe_drawn(audit: Audit, before: int) -> Iterator[str]:
    """What was drawn, and what to do with it."""
    drawn = sum(field.drawn for field in audit.fields)
    extra = len(audit.fields) - drawn
    more = f" and {extra:,} of rare names" if extra else ""
    yield f"audit {audit.number}: drew {drawn:,} of {audit.accepted:,} accepted fields{more}, seed {audit.seed}"
    if before:
        yield f"it is sample {before + 1} of these readings; the certificate says so"
    yield "next: docproc review RESULTS, line audit: key what you see, the value is not shown"
    yield "then: docproc audit RESULTS --report"


def describe_report(report: Report) -> Iterator[str]:
    """What an audit says."""
    total = report.sampled + report.extra
    yield f"audit {report.number}: {report.keyed:,} of {total:,} fields keyed, of {report.accepted:,} accepted"
    if report.bound is None:
        yield f"{total - report.keyed:,} are left to key in docproc review; before that nothing can be said"
        return
    yield f"{report.wrong:,} of {report.sampled:,} were read wrong" + (
        f", {report.blank:,} of them as blank or unreadable" if report.blank else ""
    )
    if report.disputed:
        yield f"{report.disputed:,} wait for a third look in docproc review, and count as wrong until then"
    yield (
        f"of all {report.accepted:,} at most {show_bound(report.bound)} are wrong, that is"
        f" {int(report.bound * report.accepted):,} ({100 * SURENESS:.0f} % sure, one-sided, Clopper-Pearson)"
    )
    if report.estimate is not None:
        yield f"the likeliest share is {show_share(report.estimate)}, each name with its weight"
    if report.tightened:
        yield "since then the threshold was raised; draw a new sample of what is accepted now"
    elif report.too_many:
        yield (
            f"more were wrong than the {show_share(report.max_error)} that the run was to accept:"
            " docproc audit RESULTS --tighten sends less sure values to people, too"
        )
