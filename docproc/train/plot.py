"""An evaluation as files: tables and pictures."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from docproc.errors import LedgerError, UsageError
from docproc.train.metrics import CurvePoint
from docproc.train.score import Report, Scored, list_mistakes

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def require_matplotlib() -> None:
    """UsageError where the pictures cannot be drawn."""
    if find_spec("matplotlib") is None:
        raise UsageError("pictures need matplotlib: pip install 'docproc[train]'")


def save_tables(report: Report, out: Path, texts: Mapping[str, str]) -> None:
    """The texts, and fields.csv, mistakes.csv and curve.csv, in that folder."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            (out / name).write_text(text, encoding="utf-8")
        save_table(out / "fields.csv", Scored._fields, report.fields)
        save_table(out / "mistakes.csv", Scored._fields, list_mistakes(report))
        save_table(out / "curve.csv", CurvePoint._fields, report.curve)
    except OSError as error:
        raise LedgerError(f"cannot write the report to {out}: {error}; name another folder with --out") from error


def save_pictures(report: Report, out: Path) -> None:
    """curve.png and reliability.png in that folder."""
    try:
        draw_curve(report).savefig(out / "curve.png")
        draw_reliability(report).savefig(out / "reliability.png")
    except OSError as error:
        raise LedgerError(f"cannot write the pictures to {out}: {error}; name another folder with --out") from error


def save_table(path: Path, head: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Rows as a CSV."""
    with path.open("w", newline="", encoding="utf-8", errors="surrogateescape") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(head)
        writer.writerows(rows)


def draw_curve(report: Report) -> Figure:
    """The error-reject curve: error among accepted values over the share accepted."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.4, 4.2), dpi=120, layout="constrained")
    axes = figure.add_subplot()
    axes.step([p.share for p in report.curve], [p.error for p in report.curve], where="post", color="tab:blue")
    if report.total.accepted:
        at = (report.total.accepted / report.total.fields, report.total.silent / report.total.accepted)
        axes.plot(*at, "o", color="tab:red", label="accepted by this run")
        axes.legend()
    axes.set(xlabel="share of fields accepted", ylabel="error among them", xlim=(0, 1), title="Error and reject")
    axes.set_ylim(bottom=0)
    axes.xaxis.set_major_formatter("{x:.0%}")
    axes.yaxis.set_major_formatter("{x:.1%}")
    axes.grid(alpha=0.3)
    return figure


def draw_reliability(report: Report) -> Figure:
    """Stated confidence against the share right, in bins of equal mass."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4.8, 4.8), dpi=120, layout="constrained")
    axes = figure.add_subplot()
    axes.plot([0, 1], [0, 1], "--", color="0.6")
    axes.plot([b.confidence for b in report.bins], [b.accuracy for b in report.bins], "o-", color="tab:blue")
    axes.set(xlabel="stated confidence", ylabel="share right", xlim=(0, 1.02), ylim=(0, 1.02), title="Reliability")
    axes.grid(alpha=0.3)
    return figure
