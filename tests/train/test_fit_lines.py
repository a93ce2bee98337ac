"""A tiny training of the second reader writes what it promises, goes on where it was killed, and repeats itself."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from docproc.errors import InputError
from docproc.recognize.line_net import BLANK, SIGNS, STEP, LineNet
from docproc.recognize.line_reader import load_line_net, load_line_reader
from docproc.train import fit_lines
from docproc.train.fit_lines import LineKnobs, gather_batch, keep_digits, read_best, train_lines, validate_lines
from docproc.train.lines import LabelledLine

KNOBS = LineKnobs(fields=100, epochs=2, batch=16)


@pytest.fixture(scope="module")
def trained(digit_sets: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The weights of an undisturbed training."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fit_lines, "VALIDATION_FIELDS", 100)
        return train_lines(digit_sets, tmp_path_factory.mktemp("lines"), KNOBS, workers=1)


def test_training_that_is_complete_is_not_done_again(trained: Path, digit_sets: Path) -> None:
    before, weights = (trained.parent / "lines.pt").stat().st_mtime_ns, trained.read_bytes()
    assert train(digit_sets, trained.parent) == trained
    assert (trained.parent / "lines.pt").stat().st_mtime_ns == before
    assert trained.read_bytes() == weights


def copy_composed(trained: Path, folder: Path) -> Path:
    """A folder in which the rows are composed and nothing is trained yet."""
    for rows in trained.parent.glob("lines-*.npz"):
        shutil.copy(rows, folder)
    return folder


def train(digit_sets: Path, out: Path, knobs: LineKnobs = KNOBS) -> Path:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fit_lines, "VALIDATION_FIELDS", 100)
        return train_lines(digit_sets, out, knobs, workers=1)


def test_weights_fit_their_card_and_read_rows(trained: Path) -> None:
    card = json.loads(trained.with_suffix(".json").read_text(encoding="utf-8"))
    assert card["recipe"] == {**asdict(KNOBS), "passes": KNOBS.epochs}
    assert card["scores"]["epoch"] == 2
    assert 0 <= card["scores"]["digits"] <= card["scores"]["signs"] <= 1
    assert all(0 <= card["scores"][name] <= 1 for name in ("missed", "alarms"))
    assert (card["scores"]["missed"], card["scores"]["alarms"]) == (1, 0)  # it has learned nothing yet
    (frames,) = load_line_reader(trained, "cpu").read([np.zeros((2, 32, 60), np.uint8)])
    assert frames.shape[1] == 13


def test_loss_falls(trained: Path) -> None:
    _, _, history = torch.load(trained.parent / "lines.pt", weights_only=True)
    assert history[1]["loss"] < history[0]["loss"]


def test_killed_training_ends_with_the_same_weights(
    trained: Path, digit_sets: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy_composed(trained, tmp_path)
    validate, calls = fit_lines.validate_lines, []

    def interrupt(*arguments: object) -> tuple[float, float, float, float]:
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return validate(*arguments)

    monkeypatch.setattr(fit_lines, "validate_lines", interrupt)
    with pytest.raises(KeyboardInterrupt):
        train(digit_sets, tmp_path)
    assert (tmp_path / "lines.pt").is_file()
    _, card, _ = load_line_net(tmp_path / "lines.safetensors")
    assert (card["recipe"]["passes"], card["scores"]["epoch"]) == (1, 1)
    torch.manual_seed(99)
    monkeypatch.setattr(fit_lines, "validate_lines", validate)
    assert train(digit_sets, tmp_path).read_bytes() == trained.read_bytes()


def test_weights_are_not_trained_over_those_they_begin_with(trained: Path, digit_sets: Path) -> None:
    with pytest.raises(InputError, match="choose another --out"):
        train_lines(digit_sets, trained.parent, KNOBS, start=trained)


def test_other_knobs_want_another_folder(trained: Path, digit_sets: Path) -> None:
    with pytest.raises(InputError, match="another --out"):
        train(digit_sets, trained.parent, replace(KNOBS, epochs=3))


def test_batch_leaves_room_on_both_sides_and_fits_the_steps() -> None:
    lines = [LabelledLine(np.full((2, 32, width), 9, np.uint8), np.zeros(1, np.uint8)) for width in (5, 30)]
    batch = gather_batch(lines, room=8)
    assert batch.shape == (2, 2, 32, 48)
    assert batch.shape[3] % STEP == 0
    assert int(batch[0, 0, 0].sum()) == 5 * 9
    assert batch[1, 1, 3].tolist() == [0] * 8 + [9] * 30 + [0] * 10


def encode(text: str) -> LabelledLine:
    """A row in which each sign is a shade of its own, paper between them."""
    shades = [shade for sign in text for shade in (SIGNS.index(sign) + 1, 0)]
    line = np.broadcast_to(np.repeat(np.array(shades, np.uint8), STEP), (2, 32, STEP * len(shades)))
    return LabelledLine(line.copy(), np.array([SIGNS.index(sign) for sign in text], np.uint8))


class Shades(LineNet):
    """Reads what `encode` wrote."""

    def forward(self, lines: torch.Tensor) -> torch.Tensor:
        shades = (lines[:, 0, 0, ::STEP] * 255).round().long()
        return F.one_hot(torch.where(shades > 0, shades - 1, BLANK), BLANK + 1).float()


@pytest.mark.parametrize(
    ("truth", "said", "shares"),
    [
        ("110.-", "110.-", (0, 0, 0, 0)),
        ("110.-", "110--", (0.25, 0, 0, 0)),
        ("110.-", "1?10.-", (0.25, 0, 0, 0)),
        ("110.-", "11.-", (0.25, 0.25, 0, 0)),
        ("110.-", "119.-", (0.25, 0.25, 0, 0)),
        ("110.-", "110~-", (0.25, 0, 0, 1 / 3)),
        ("11~#", "11~#", (0, 0, 0, 0)),
        ("11~#", "11~", (0.25, 0, 0, 0)),
        ("11~#", "110", (0.25, 0.25, 0.5, 0)),
    ],
)
def test_rows_are_wrong_by_signs_by_digits_or_by_what_was_taken_back(
    truth: str, said: str, shares: tuple[float, ...]
) -> None:
    """One of four rows; in another one digits were taken back, which is seen."""
    doubtful = LabelledLine(encode(said).line, encode(truth).signs)
    rows = [encode("7"), doubtful, encode("0123456789"), encode("1/2=#~")]
    assert validate_lines(Shades(), rows) == pytest.approx(shares)


def test_likeliest_classes_spell_a_text() -> None:
    path = [SIGNS.index(sign) if sign != "_" else BLANK for sign in "1__11_0..--7"]
    assert read_best(np.array(path)) == "110.-7"
    assert keep_digits("1.1/0-") == "110"
