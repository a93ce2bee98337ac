"""Pages read with a form, by the real command and the shipped weights."""

from __future__ import annotations

import csv
import subprocess
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from docproc.errors import Exit
from docproc.train.draw import Drawn, draw_comb_form, draw_letter
from docproc.train.paper import scan
from docproc.types import FORM_DPI

ROOT = Path(__file__).resolve().parent.parent.parent
Docproc = Callable[..., "subprocess.Popen[bytes]"]
DPI = 150

pytestmark = pytest.mark.skipif(not (ROOT / "models" / "digits.safetensors").is_file(), reason="no trained weights yet")


def save(picture: np.ndarray, path: Path, dpi: float = FORM_DPI) -> Path:
    """A picture of FORM_DPI as a file of `dpi`: type is set to whole pixels, so cards are drawn at one resolution."""
    size = [round(side * dpi / FORM_DPI) for side in picture.shape[1::-1]]
    small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    Image.fromarray((255 * small).round().astype(np.uint8)).save(path, dpi=(dpi, dpi))
    return path


def describe(drawn: Drawn, **more: str) -> str:
    """The form file of a drawn card; `more` are lines about fields."""
    blocks = [f'name = "card"\nreference = "card.png"\ndpi = {drawn.dpi:g}\nblank = false\n']
    for field in drawn.fields:
        cells = {"account": 8, "date": 8, "reading": 6, "previous": 6, "people": 2, "serial": 10}[field.name]
        place = f"box = {[*field.box]}\ncells = {cells}"
        blocks.append(f'[[field]]\nname = "{field.name}"\n{place}\n{more.get(field.name, "")}\n')
    return "\n".join(blocks)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A form learned from one card, and scans: another card askew, a third upside down, and a letter."""
    folder = tmp_path_factory.mktemp("forms")
    (folder / "scans").mkdir()
    first = draw_comb_form(1, FORM_DPI)
    save(first.picture, folder / "card.png")
    rules = {
        "date": 'type = "date"\nformat = "dd/mm/yyyy"',
        "account": 'pattern = "####-####"',
        "people": "required = true",
    }
    (folder / "card.toml").write_text(describe(first, **rules), encoding="utf-8")
    askew, _ = scan(np.random.default_rng(2), draw_comb_form(2, FORM_DPI).picture, 2.0)
    save(askew, folder / "scans" / "askew.png", DPI)
    turned, _ = scan(np.random.default_rng(3), draw_comb_form(3, FORM_DPI).picture, -1.0)
    save(cv2.rotate(turned, cv2.ROTATE_180), folder / "scans" / "turned.png", DPI)
    save(draw_letter(1, FORM_DPI).picture, folder / "scans" / "letter.png", DPI)
    return folder


def write(value: str, name: str) -> str:
    """A value as the form has it written."""
    if name == "date":
        return f"{value[:2]}/{value[2:4]}/{value[4:]}"
    return f"{value[:4]}-{value[4:]}" if name == "account" else value


def test_cards_are_rows_of_named_values_and_a_letter_is_refused(docproc: Docproc, folder: Path) -> None:
    out = folder / "results.csv"
    child = docproc("run", folder / "scans", "--form", folder / "card.toml", "--out", out)
    _, errors = child.communicate()
    assert child.returncode == Exit.SOME_FAILED, errors.decode()
    assert "3 pages in = 2 read + 1 failed" in errors.decode()
    assert "not-this-form" in errors.decode()
    with out.open(encoding="utf-8", newline="") as file:
        rows = {Path(row["source"]).stem: row for row in csv.DictReader(file)}
    names = ["account", "date", "reading", "previous", "people", "serial"]
    right = 0
    for seed, stem in ((2, "askew"), (3, "turned")):
        truth = {field.name: write(field.text, field.name) for field in draw_comb_form(seed, FORM_DPI).fields}
        assert list(rows[stem])[:3] == ["source", "page", "form"]
        assert list(rows[stem])[3:9] == names
        agreed = {name for name in names if rows[stem][name] == truth[name]}
        assert set(names) - agreed <= set(rows[stem]["review"].split(";"))
        right += len(agreed)
        assert (rows[stem]["form"], rows[stem]["status"]) == ("card", "read")
    assert right >= 11
    letter = rows["letter"]
    assert (letter["form"], letter["status"], letter["review"]) == ("", "failed", "(page)")
    assert letter["reasons"] == "not-this-form"
    assert {letter[name] for name in names} == {""}


def test_a_changed_form_is_another_recipe_and_the_spreadsheet_has_the_same_values(
    docproc: Docproc, folder: Path
) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    out, card = folder / "results.xlsx", folder / "scans" / "askew.png"
    for pattern, account in (("####-####", "-"), ("## ######", " ")):
        form = folder / "other.toml"
        form.write_text((folder / "card.toml").read_text().replace("####-####", pattern), encoding="utf-8")
        child = docproc("run", card, "--form", form, "--out", out)
        _, errors = child.communicate()
        assert child.returncode == Exit.OK, errors.decode()
        names, values = openpyxl.load_workbook(out)["results"].iter_rows(values_only=True)
        row = dict(zip(names, values, strict=True))
        assert account in row["account"]
        assert row["date"].count("/") == 2


def test_form_and_strips_do_not_go_together(docproc: Docproc, folder: Path) -> None:
    child = docproc("run", folder / "scans", "--strips", "--form", folder / "card.toml", "--out", folder / "no.csv")
    _, errors = child.communicate()
    assert child.returncode == Exit.USAGE
    assert "--form" in errors.decode()
    assert not (folder / "no.csv").exists()
