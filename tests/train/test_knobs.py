"""Knobs come back from their file as they went in; what is wrong in it is named."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import pytest
from typer.testing import CliRunner

from docproc.apps.cli import app
from docproc.errors import Exit, OptionsError
from docproc.train import fit
from docproc.train.fit import Knobs
from docproc.train.knobs import load_knobs, save_knobs


def test_knobs_come_back_as_they_were(tmp_path: Path) -> None:
    knobs = Knobs(width=12, loss="focal", focus=1.5, optimizer="sgd", rate=0.05, decay=2e-05, average=0.99)
    save_knobs(knobs, ("width", "loss", "focus", "optimizer", "rate", "decay", "average"), tmp_path / "k.toml", "found")
    assert (tmp_path / "k.toml").read_text(encoding="utf-8").startswith("# found\nwidth = 12\nloss = ")
    assert load_knobs(tmp_path / "k.toml") == knobs


def test_whole_numbers_may_stand_for_others(tmp_path: Path) -> None:
    (tmp_path / "k.toml").write_text("decay = 0\nseed = 0\n")
    knobs = load_knobs(tmp_path / "k.toml")
    assert knobs == Knobs(decay=0.0, seed=0)
    assert isinstance(knobs.decay, float)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("widht = 24", r"no knob is called widht; use fields, epochs"),
        ("width = 24.5", r"width = 24.5 is not possible; write a whole number of at least 1"),
        ("width = 0", r"width = 0 is not possible"),
        ("width = true", r"width = True is not possible"),
        ("rate = -0.1", r"rate = -0.1 is not possible; write a number of at least 0"),
        ("rate = inf", r"rate = inf is not possible"),
        ("rate = 'fast'", r"rate = 'fast' is not possible"),
        ("average = 9.99", r"average = 9.99 is not possible; write a number from 0 to 1"),
        ('optimizer = "adam"', r'optimizer = \'adam\' is not possible; write "adamw" or "sgd"'),
        ("width: 24", r"cannot use the knobs of .*mend the file"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, line: str, message: str) -> None:
    (tmp_path / "k.toml").write_text(line)
    with pytest.raises(OptionsError, match=message) as caught:
        load_knobs(tmp_path / "k.toml")
    assert caught.value.code is Exit.OPTIONS


def test_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(OptionsError, match=r"none\.toml"):
        load_knobs(tmp_path / "none.toml")


def test_training_takes_knobs_from_a_file_and_options_before_it(digit_sets: Path, tmp_path: Path) -> None:
    lines = ("fields = 100", "batch = 64", "epochs = 3", "width = 4", 'optimizer = "sgd"', "rate = 0.03")
    (tmp_path / "k.toml").write_text("\n".join(lines))
    command = ["train", "--data", str(digit_sets), "--out", str(tmp_path / "out"), "--epochs", "1", "--device", "cpu"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fit, "VALIDATION_FIELDS", 100)
        ended = CliRunner().invoke(app, [*command, "--knobs", str(tmp_path / "k.toml")], catch_exceptions=False)
    assert ended.exit_code == 0
    card = json.loads((tmp_path / "out" / "digits.json").read_text(encoding="utf-8"))
    wanted = Knobs(fields=100, batch=64, epochs=1, width=4, optimizer="sgd", rate=0.03)
    assert card["recipe"] == asdict(wanted)


def test_training_with_a_mistyped_knob_does_not_begin(tmp_path: Path) -> None:
    (tmp_path / "k.toml").write_text("widht = 4")
    command = ["train", "--data", str(tmp_path), "--out", str(tmp_path / "out"), "--knobs", str(tmp_path / "k.toml")]
    with pytest.raises(OptionsError, match="widht"):
        CliRunner().invoke(app, command, catch_exceptions=False)
    assert not (tmp_path / "out").exists()
