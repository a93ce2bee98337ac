"""A run held against the truth, from files to report."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

import docproc.train.plot
from docproc.errors import UsageError
from docproc.train.evaluate import evaluate, render, write_json

TRUTH = "source,page,field,value,status,x,y,width,height"
RESULTS = "source,page,field,value,status,confidence,review,reasons,x,y,width,height"
FIELDS = {  # value, then what the run says: value, status, confidence, review
    "right": ("123", "12-3", "value", "0.99", "no"),
    "silent": ("456", "458", "value", "0.98", "no"),
    "flagged": ("789", "78", "value", "0.60", "yes"),
    "unreadable": ("11", "", "unreadable", "0.20", "yes"),
    "overlooked": ("22", "", "blank", "0.97", "no"),
    "empty": ("", "", "blank", "0.999", "no"),
    "invented": ("", "5", "value", "0.70", "yes"),
}


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    """A page with a field of every fate, one that no row speaks of, and two values where there is no field."""
    truth, results = [TRUTH], [RESULTS]
    for i, (name, (value, read, status, confidence, review)) in enumerate(FIELDS.items()):
        box = f"10,{100 * i},200,50"
        truth.append(f"a.png,1,{name},{value},{'value' if value else 'blank'},{box}")
        results.append(f"in/a.png,1,{i},{read},{status},{confidence},{review},,{box}")
    truth.append("a.png,1,lost,33,value,10,5000,200,50")
    results.append("in/a.png,1,x,4,value,0.9,no,,900,0,50,50")
    results.append("in/a.png,1,y,4,value,0.5,yes,,900,200,50,50")
    for name, lines in (("truth", truth), ("results", results)):
        (tmp_path / f"{name}.csv").write_text("\n".join(lines) + "\n")
    return tmp_path / "truth.csv", tmp_path / "results.csv"


def test_every_field_ends_once(files: tuple[Path, Path]) -> None:
    total = evaluate(*files).total
    assert (total.fields, total.right, total.wrong, total.unread, total.missed) == (8, 2, 4, 1, 1)
    assert total.right + total.wrong + total.unread + total.missed == total.fields


def test_silent_errors_are_accepted_values_and_blanks_that_are_wrong(files: tuple[Path, Path]) -> None:
    report = evaluate(*files)
    assert (report.total.accepted, report.total.silent) == (4, 2)
    assert report.silent_bound > 0.5
    assert (report.extra, report.extra_accepted) == (2, 1)


def test_digits_of_unread_fields_count_as_lost(files: tuple[Path, Path]) -> None:
    # 15 digits: one wrong, one lost, 2 unreadable, 2 overlooked, 2 without a row, one invented.
    assert evaluate(*files).total.digit_accuracy == pytest.approx(1 - 9 / 15)


def test_curve_and_calibration_speak_of_answers_and_shares_of_all_fields(files: tuple[Path, Path]) -> None:
    report = evaluate(*files)
    assert [point.threshold for point in report.curve] == [0.999, 0.99, 0.98, 0.97, 0.7, 0.6]
    assert report.curve[-1].share == 6 / 8
    assert report.curve[-1].wrong == 4
    assert sum(part.size for part in report.bins) == 6


def test_report_as_text_tells_the_worst_mistake_first(files: tuple[Path, Path]) -> None:
    text = render(evaluate(*files))
    assert "8 fields: 2 right (25.00%), 4 wrong, 1 unread, 1 missed" in text
    assert "accepted without review: 4 (50.0%), 2 of them wrong (50.0%" in text
    worst = text[text.index("worst mistakes") :].splitlines()[2]
    assert worst.split()[:5] == ["a.png", "1", "silent", "456", "458"]


def test_report_as_json_can_be_read_back(files: tuple[Path, Path]) -> None:
    report = evaluate(*files)
    plain = json.loads(write_json(report))
    assert plain["total"]["silent"] == 2
    assert plain["statuses"] == {"blank": 2, "no row": 1, "unreadable": 1, "value": 4}
    assert plain["fields"][1]["read"] == "458"
    assert plain["curve"][0] == {"threshold": 0.999, "accepted": 1, "wrong": 0, "share": 0.125, "error": 0.0}


def test_a_page_with_nothing_on_it_has_no_score_but_its_inventions(tmp_path: Path) -> None:
    (tmp_path / "truth.csv").write_text(f"{TRUTH}\nletter.jpg,1,,,blank,0,0,0,0\n")
    (tmp_path / "results.csv").write_text(f"{RESULTS}\nletter.jpg,1,1,5,value,0.9,no,,5,5,50,50\n")
    report = evaluate(tmp_path / "truth.csv", tmp_path / "results.csv")
    assert (report.total.fields, report.extra_accepted) == (0, 1)
    assert "no wrong value" in render(report)
    assert json.loads(write_json(report))["calibration_error"] is None


def test_tables_and_pictures_are_written(files: tuple[Path, Path], tmp_path: Path) -> None:
    out = tmp_path / "deep" / "report"
    evaluate(*files, out)
    assert sorted(path.name for path in out.iterdir()) == [
        "curve.csv", "curve.png", "fields.csv", "mistakes.csv", "reliability.png", "report.json", "report.txt"
    ]  # fmt: skip
    with (out / "fields.csv").open(newline="") as stream:
        assert [row["outcome"] for row in csv.DictReader(stream)].count("right") == 2
    assert (out / "curve.png").read_bytes().startswith(b"\x89PNG")


def test_missing_matplotlib_is_told_before_any_work(
    files: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(docproc.train.plot, "find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r"pip install 'docproc\[train\]'"):
        evaluate(*files, tmp_path / "report")
    assert evaluate(*files).total.fields == 8


def test_a_perfect_run_over_the_real_truth_scores_full_marks(data: Path, tmp_path: Path) -> None:
    for kind, left_out in (("strips", 8), ("pages", 20)):
        rows = []
        with (data / kind / "truth.csv").open(newline="") as stream:
            for i, row in enumerate(csv.DictReader(stream)):
                page, box = int(row.get("page", 0)) + 1, [row.get(side, "1") for side in "xywh"]
                rows.append([f"scans/{row['file']}", page, i, row["digits"], "value", 1, "no", "", *box])
        results = tmp_path / f"{kind}.csv"
        with results.open("w", newline="") as stream:
            csv.writer(stream).writerows([RESULTS.split(","), *rows])
        report = evaluate(data / kind / "truth.csv", results)
        assert report.total.right == report.total.fields == len(rows) - left_out
        assert sum(part.fields for part in report.left_out) == left_out
        assert report.extra == 0
