"""An evaluation as text."""

from __future__ import annotations

from collections.abc import Sequence

from docproc.train.metrics import CalibrationBin, CurvePoint, share_at_error
from docproc.train.score import GroupScore, Report, Scored, list_mistakes

ERROR_LEVELS = (0.01, 0.005, 0.001)
"""Shares of wrong values among accepted ones at which readers are compared."""
SHARES = (1.0, 0.95, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1)
"""Rows of the error-reject table."""
MISTAKES = 20
"""Mistakes shown; all are in mistakes.csv."""


def render_report(report: Report) -> str:
    """The report as text for a terminal."""
    parts = [render_total(report), render_groups(report), render_curve(report.curve), render_bins(report.bins)]
    return "\n\n".join([part for part in parts if part] + [render_mistakes(report)]) + "\n"


def render_total(report: Report) -> str:
    """The figures that matter most, a line each."""
    total = report.total
    statuses = ", ".join(f"{count} {status}" for status, count in report.statuses) or "none"
    lines = [
        f"{total.fields} fields: {total.right} right ({share(total.field_accuracy)}), {total.wrong} wrong, "
        f"{total.unread} unread, {total.missed} missed",
        f"digits: {share(total.digit_accuracy)} right, fields that are not read counted as lost",
        f"statuses: {statuses}",
        f"accepted without review: {total.accepted} ({percent(total.accepted, total.fields)}), "
        f"{total.silent} of them wrong ({percent(total.silent, total.accepted)}; "
        f"at most {report.silent_bound:.2%} at 95 % confidence)",
        "could be accepted at best: "
        + ", ".join(f"{share_at_error(report.curve, error):.1%} at {error:.1%} error" for error in ERROR_LEVELS),
        f"calibration error: {share(report.calibration_error)} ({len(report.bins)} bins of equal mass; "
        f"{share(report.chance_error)} would be chance alone)",
        f"extra values where the truth has no field: {report.extra}, {report.extra_accepted} of them unflagged",
    ]
    lines += [
        f"left out of all scores: {part.fields} {part.name}, {part.flagged} of them flagged or not read"
        for part in report.left_out
    ]
    if report.absent_pages:
        source, page = report.absent_pages[0]
        lines.append(
            f"{len(report.absent_pages)} pages of the truth are not in the results, first {printable(source)} {page}"
        )
    return "\n".join(lines)


def render_groups(report: Report) -> str:
    """A table with a line for each set, where there are several."""
    if len(report.groups) < 2:
        return ""
    head = ("set", "fields", "right", "wrong", "unread", "missed", "accepted", "silent", "digits")
    return render_table([head, *(tell_group(group) for group in (*report.groups, report.total))])


def tell_group(group: GroupScore) -> tuple[str, ...]:
    """One line of the table of sets."""
    return (
        group.name,
        str(group.fields),
        f"{group.right} {share(group.field_accuracy)}",
        str(group.wrong),
        str(group.unread),
        str(group.missed),
        str(group.accepted),
        str(group.silent),
        share(group.digit_accuracy),
    )


def render_curve(curve: Sequence[CurvePoint]) -> str:
    """The error-reject curve as a table."""
    points: list[CurvePoint] = []
    for wanted in SHARES:
        point = max((p for p in curve if p.share <= wanted), key=lambda p: p.accepted, default=None)
        if point and point not in points:
            points.append(point)
    head = ("accepted", "rejected", "threshold", "wrong", "error")
    rows = [
        (f"{p.share:.1%}", f"{1 - p.share:.1%}", f"{p.threshold:.4f}", str(p.wrong), f"{p.error:.2%}") for p in points
    ]
    return "error-reject curve\n" + render_table([head, *rows]) if rows else ""


def render_bins(bins: Sequence[CalibrationBin]) -> str:
    """The reliability diagram as a table."""
    head = ("confidence", "stated", "right", "fields")
    rows = [(f"{b.lowest:.4f}-{b.highest:.4f}", f"{b.confidence:.2%}", f"{b.accuracy:.2%}", str(b.size)) for b in bins]
    return "reliability\n" + render_table([head, *rows]) if rows else ""


def render_mistakes(report: Report) -> str:
    """The worst mistakes."""
    mistakes = list_mistakes(report)
    if not mistakes:
        return "no wrong value"
    head = ("source", "page", "field", "truth", "read", "confidence", "accepted", "reasons")
    rows = [tell_mistake(row) for row in mistakes[:MISTAKES]]
    return f"worst mistakes, {len(rows)} of {len(mistakes)}\n" + render_table([head, *rows])


def tell_mistake(row: Scored) -> tuple[str, ...]:
    """One line of the table of mistakes."""
    return (
        row.source,
        str(row.page),
        row.field,
        row.truth or "(blank)",
        row.read or "(blank)",
        f"{row.confidence:.4f}",
        "yes" if row.accepted else "no",
        row.reasons,
    )


def render_table(rows: Sequence[Sequence[str]]) -> str:
    """Columns of text, the first to the left and the others to the right."""
    shown = [[printable(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*shown, strict=True)]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if i else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in shown
    )


def printable(text: str) -> str:
    """The text without what a terminal would obey or refuse."""
    return "".join(character if character.isprintable() else "?" for character in text)


def percent(part: int, whole: int) -> str:
    """A share of counts."""
    return f"{part / whole:.1%}" if whole else "-"


def share(value: float | None) -> str:
    """A share, or a dash where there is none."""
    return "-" if value is None else f"{value:.2%}"
