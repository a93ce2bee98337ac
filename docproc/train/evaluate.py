"""How well a run read what is known: `docproc evaluate TRUTH.csv RESULTS.csv`."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from docproc.train.match import match_answers
from docproc.train.plot import require_matplotlib, save_pictures, save_tables
from docproc.train.report import render_report
from docproc.train.score import Report, score_matching
from docproc.train.truth import read_results, read_truth

__all__ = ["Report", "evaluate", "render", "write_json"]


def evaluate(truth: Path, results: Path, out: Path | None = None) -> Report:
    """Results held against the truth; with `out`, tables and pictures of it are written to that folder.

    InputError where a file cannot be read or the two do not belong together; UsageError where the pictures are
    wanted and matplotlib is not installed; LedgerError where the folder cannot be written.
    """
    if out is not None:
        require_matplotlib()
    report = score_matching(match_answers(read_truth(truth), read_results(results)), str(truth), str(results))
    if out is not None:
        save_tables(report, out, {"report.txt": render(report), "report.json": write_json(report)})
        save_pictures(report, out)
    return report


def render(report: Report) -> str:
    """The report as text for a terminal."""
    return render_report(report)


def write_json(report: Report) -> str:
    """The report as JSON, every field of the truth included."""
    plain = asdict(report)
    for name in ("groups", "left_out", "curve", "bins", "fields"):
        plain[name] = [row._asdict() for row in getattr(report, name)]
    plain["total"] = report.total._asdict()
    plain["statuses"] = dict(report.statuses)
    return json.dumps(plain, indent=2, allow_nan=False)
