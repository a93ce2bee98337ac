"""Real scans held against the form of the docs; skipped where the data is absent."""

from __future__ import annotations

from pathlib import Path

import pytest

from docproc.flow.checks import check_scans
from docproc.flow.forms import load_forms
from docproc.options import Options

EXAMPLE = Path(__file__).resolve().parent.parent.parent / "docs" / "examples" / "clinic-delivery.toml"
BLANK = "blank_delivery_pg_1.jpeg"


@pytest.mark.slow
def test_scans_of_a_clinic_lie_on_their_form_and_others_are_refused(data: Path, tmp_path: Path) -> None:
    pages = data / "pages"
    (tmp_path / BLANK).write_bytes((pages / "clinic" / BLANK).read_bytes())
    (tmp_path / "form.toml").write_bytes(EXAMPLE.read_bytes())
    (form,) = load_forms([tmp_path / "form.toml"], Options())
    assert len(form.pages[0].fields) == 9
    scans = sorted(str(path) for path in (pages / "clinic").glob("delivery*.jpeg"))
    others = [str(pages / "nist-hsf" / "form_1.png"), str(pages / "tally" / "mesa_1000551.jpg")]
    rows = list(check_scans(form, scans + others, Options(), tmp_path))
    assert len(scans) == 7
    assert [row.page for row in rows] == [1] * 7 + [0] * 2
    assert all(row.residual <= 0.5 for row in rows[:7])
    assert all("not-this-form" in row.refusal for row in rows[7:])
    assert all(row.picture is not None and row.picture.is_file() for row in rows)
