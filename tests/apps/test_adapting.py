"""The command that learns from a review: what it asks for, and the way back."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from docproc.apps.cli import app
from docproc.errors import DocprocError, InputError, LedgerError, ModelError, UsageError
from docproc.options import Recipe, load_options
from docproc.recognize.models import load_models
from docproc.records.corrections import add, item_of, read_state
from docproc.records.ledger import begin, open_ledger, record
from docproc.records.matching import Answer
from docproc.train.adapt_install import install
from docproc.train.data import SETS
from docproc.types import Box, PageRef, PageResult, Reading


def fail(*arguments: object) -> DocprocError:
    """The error that a command ends with."""
    ended = CliRunner().invoke(app, ["adapt", *map(str, arguments)])
    assert isinstance(ended.exception, DocprocError), ended.output
    return ended.exception


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (("r.csv",), UsageError, "--model is missing"),
        (("--model", "site"), UsageError, "RESULTS is missing"),
        (("--model", "site", "--back", "r.csv"), UsageError, "leave RESULTS out"),
        (("--model", "site", "r.csv"), InputError, "name their folder with --data"),
        (("--model", "site", "r.csv", "--data", "."), LedgerError, "there is no ledger"),
        (("--model", "site", "--back"), ModelError, "no former model"),
    ],
)
def test_what_is_missing_is_said(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
    error: type[DocprocError],
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    found = fail(*arguments)
    assert type(found) is error
    assert message in str(found)
    assert list(tmp_path.iterdir()) == []


def test_a_batch_that_hardly_anybody_looked_at_is_refused(tmp_path: Path, model: Path) -> None:
    site, data = tmp_path / "site", tmp_path / "digits"
    data.mkdir()
    for name in SETS:
        (data / f"{name}.npz").touch()
    shutil.copytree(model.parent, site)
    recipe = Recipe(load_options(), "0" * 64, load_models(model, "cpu").calibration)
    with open_ledger(tmp_path / "r.csv.ledger") as ledger:
        reading = Reading("1", "value", "7", 0.5, True, ("low-confidence",), Box(0, 0, 30, 40))
        record(ledger, begin(ledger, recipe.key, recipe.about), PageResult(PageRef("", "d" * 64, 1), (reading,)))
        state = read_state(ledger, item_of(1, 0))
        assert state is not None
        add(ledger, state.item, state.version, Answer("value", "1"), "reviewer")
    found = fail(tmp_path / "r.csv", "--model", site, "--data", data)
    assert isinstance(found, InputError)
    assert "people gave values on 1 pages and 10 are needed" in str(found)
    assert not (site / "current").exists()


def test_one_command_goes_back(tmp_path: Path, model: Path) -> None:
    site = tmp_path / "site"
    shutil.copytree(model.parent, site)
    before = load_models(site, "cpu").digest
    other = tmp_path / "other"
    shutil.copytree(model.parent, other)
    install(other / "digits.safetensors", site)
    assert load_models(site, "cpu").digest != before
    ended = CliRunner().invoke(app, ["adapt", "--back", "--model", str(site)])
    assert (ended.exit_code, ended.output) == (0, f"{site} uses model 0 again; model 1 stays beside it\n")
    assert load_models(site, "cpu").digest == before
