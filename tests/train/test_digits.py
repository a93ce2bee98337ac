"""Any set of single digits: refused where it is none, cropped as pages are, read, grouped, measured, drawn."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest

from docproc.apps.laboratory import evaluate
from docproc.errors import InputError, LedgerError, UsageError
from docproc.options import Options, Recipe
from docproc.recognize.net import Cascade, make_shape
from docproc.train import digitfile
from docproc.train.digit_pictures import draw_confusions, rank_mistakes, tell_mistake
from docproc.train.digitfile import DigitSet, load_digits
from docproc.train.digits import (
    Confusion,
    DigitSource,
    Grouping,
    make_groups,
    measure,
    read_grouping,
    read_images,
    render_digits,
    settle_groups,
    write_digits,
)
from docproc.train.fit import save
from docproc.train.lone import crop_digit, find_level
from docproc.types import NEUTRAL, NOT_A_DIGIT

X, Y = np.zeros((3, 28, 28), np.uint8), np.array([0, 5, 10])
ORIGIN = DigitSource("some.npz", "low", "auto", "")


def made_up(folder: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    with np.load(folder / "mnist_train.npz") as file:
        return file["x"], file["y"], file["writer"]


@pytest.fixture
def strokes() -> np.ndarray:
    """A 5 of two strokes that do not touch, ink high, as MNIST has it: 20 pixels high."""
    image = np.zeros((112, 112), np.uint8)
    cv2.line(image, (50, 20), (80, 20), 255, 8)
    cv2.polylines(image, [np.array([[44, 48], [70, 56], [74, 76], [60, 92], [40, 90]])], False, 255, 8)
    return cv2.resize(image, (28, 28), interpolation=cv2.INTER_AREA)


# the file


def write(path: Path, **arrays: object) -> Path:
    np.savez(path, **arrays)  # type: ignore[arg-type]
    return path


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"x": X, "writer": Y}, "lacks y; write x and y and writer into it"),
        ({"x": X, "y": Y}, "lacks writer; write x and y and writer into it"),
        ({"x": X.astype(np.float32), "y": Y, "writer": Y}, "x is float32 .*store it as uint8"),
        ({"x": X[0], "y": Y, "writer": Y}, "x is uint8 of 2 dimensions; store it"),
        ({"x": X[:0], "y": Y[:0], "writer": Y[:0]}, "x holds 0 images; put 1 to"),
        ({"x": X[:, :3], "y": Y, "writer": Y}, "images are 3x28; store them with sides of 4 to 2048"),
        ({"x": X, "y": Y[:2], "writer": Y}, "y is int64 of shape .*one whole number for each of the 3 images"),
        ({"x": X, "y": Y / 2, "writer": Y}, "y is float64 .*store one whole number"),
        ({"x": X, "y": Y + 1, "writer": Y}, "y holds 11; label digits 0 to 9, and 10"),
        ({"x": X, "y": Y - 1, "writer": Y}, "y holds -1; label digits 0 to 9, and 10"),
        ({"x": X, "y": Y, "writer": Y[:2]}, "writer must be a name or whole number an image; write it anew"),
        ({"x": X, "y": Y, "writer": Y / 2}, "writer must be a name or whole number an image; write it anew"),
        ({"x": X, "y": Y.astype(object), "writer": Y}, "y holds Python objects.*write x and y into it with numpy"),
    ],
)
def test_what_is_no_set_of_digits_is_refused(tmp_path: Path, arrays: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        load_digits(write(tmp_path / "set.npz", **arrays), "writer")


def test_files_that_are_no_archive_or_half_of_one_are_refused(tmp_path: Path) -> None:
    whole = write(tmp_path / "set.npz", x=X, y=Y).read_bytes()
    np.save(tmp_path / "lone.npy", X)
    (tmp_path / "half.npz").write_bytes(whole[: len(whole) // 2])
    damaged = bytearray(whole)
    damaged[whole.index(b"NUMPY") + 300] ^= 1
    (tmp_path / "damaged.npz").write_bytes(damaged)
    for name in ("lone.npy", "half.npz", "damaged.npz", "none.npz", "."):
        with pytest.raises(InputError, match="write x and y into it with numpy"):
            load_digits(tmp_path / name)


def npy(shape: tuple[int, ...], kind: str) -> bytes:
    """The header of an array, and next to nothing of the array."""
    stream = io.BytesIO()
    np.lib.format.write_array_header_1_0(stream, {"shape": shape, "fortran_order": False, "descr": kind})
    return stream.getvalue() + bytes(8)


@pytest.mark.parametrize(
    ("header", "message"),
    [
        (npy((10**9, 28, 28), "|u1"), "larger than 1024 MiB; split the set"),
        (npy((3,), "<U400000000"), "larger than 1024 MiB"),
        (npy((-3, 28, 28), "|u1"), "negative size"),
        (b"\x93NUMPY\x03\x00" + bytes(40), "unknown version"),
        (b"\x93NUMPY\x01\x00\x10\x00{'shape': ((((((", "cannot read"),
        (b"nonsense", "cannot read"),
    ],
)
def test_headers_that_promise_too_much_are_refused_before_anything_is_unpacked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, header: bytes, message: str
) -> None:
    with zipfile.ZipFile(tmp_path / "set.npz", "w") as archive:
        archive.writestr("x.npy", header)
        archive.writestr("y.npy", npy((3,), "|u1"))
    monkeypatch.setattr(np.lib.format, "read_array", None)
    with pytest.raises(InputError, match=message):
        load_digits(tmp_path / "set.npz")


def test_more_images_than_fit_in_memory_as_crops_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(digitfile, "MOST_DIGITS", 2)
    with pytest.raises(InputError, match="x holds 3 images; put 1 to 2"):
        load_digits(write(tmp_path / "set.npz", x=X, y=Y))


def test_writers_are_numbered_whatever_their_names(tmp_path: Path) -> None:
    path = write(tmp_path / "set.npz", x=X, y=Y.astype(np.uint8), writer=np.array(["b", "a", "b"]), hand=Y)
    digits = load_digits(path, "writer")
    assert digits.labels.tolist() == [0, 5, 10]
    assert digits.owners is not None
    assert digits.owners.tolist() == [1, 0, 1]
    assert load_digits(path, "hand").owners is not None
    assert load_digits(path).owners is None


# the crop


def alike(one: np.ndarray, other: np.ndarray) -> float:
    """Correlation of two crops."""
    return float(np.corrcoef(one.ravel(), other.ravel())[0, 1])


def test_made_up_digits_come_out_as_mnists_authors_would_have_them(digit_sets: Path) -> None:
    images = made_up(digit_sets)[0][:80]
    for image in images:
        crop = crop_digit(image, "high")
        rows, columns = np.nonzero(crop > 128)
        assert 19 <= max(np.ptp(rows), np.ptp(columns)) + 1 <= 20
        mass = np.indices(crop.shape)[:, crop > 0] @ crop[crop > 0].astype(float) / crop.sum()
        assert np.abs(mass - 13.5).max() <= 1


def test_crop_does_not_depend_on_levels_paper_or_place(strokes: np.ndarray) -> None:
    crop = crop_digit(strokes, "high")
    assert np.array_equal(crop, crop_digit(255 - strokes, "low"))
    pale = np.round(190 - 25 * (strokes / 255)).astype(np.uint8)
    assert alike(crop, crop_digit(pale, "low")) > 0.99
    sixteen = np.round(strokes / 16).astype(np.uint8)
    assert alike(crop, crop_digit(sixteen, "high")) > 0.99
    moved = np.roll(strokes, (3, 4), (0, 1))
    assert alike(crop, crop_digit(moved, "high")) > 0.97
    larger = cv2.resize(strokes, (160, 160), interpolation=cv2.INTER_CUBIC)
    assert alike(crop, crop_digit(larger, "high")) > 0.95


def test_ink_at_the_very_edge_is_neither_paper_nor_cut_off(strokes: np.ndarray) -> None:
    rows, columns = np.flatnonzero(strokes.max(1) > 100), np.flatnonzero(strokes.max(0) > 100)
    cut = strokes[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    assert alike(crop_digit(strokes, "high"), crop_digit(cut, "high")) > 0.95
    fat = np.zeros((16, 16), np.uint8)
    fat[:, :9] = 255
    assert (crop_digit(fat, "high") > 128).sum() / 20**2 == pytest.approx(9 / 16, abs=0.04)


def test_both_strokes_of_a_broken_digit_stay_and_a_speck_goes(strokes: np.ndarray) -> None:
    crop = crop_digit(strokes, "high")
    inked = crop.max(1) > 100
    assert np.count_nonzero(inked[1:] & ~inked[:-1]) == 2, "a stroke above the other, paper between them"
    speckled = strokes.copy()
    speckled[25, 25] = 120
    assert np.array_equal(crop_digit(speckled, "high"), crop)


def test_image_without_ink_gives_a_blank_crop() -> None:
    assert crop_digit(np.full((4, 90), 255, np.uint8), "low").max() == 0
    assert crop_digit(np.full((4, 90), 255, np.uint8), "low").shape == (28, 28)


def test_level_of_a_set_is_what_most_borders_say(digit_sets: Path) -> None:
    images = made_up(digit_sets)[0][:20].copy()
    images[:4] = 255
    images[:4, 5:10, 5:10] = 0
    assert find_level(images) == "high"
    assert find_level(255 - images) == "low"


# style


def joint(american: int, european: int, style: float) -> np.ndarray:
    """A crop that is one digit to Americans and another to Europeans; `style` is the chance of the latter."""
    chances = np.zeros((2, 11), np.float32)
    chances[0, american], chances[1, european] = 1 - style, style
    return chances


def test_groups_are_each_writers_digits_dealt_out_in_turn() -> None:
    owners = np.array([1, 0, 1, 1, 0, 2])
    digits = DigitSet(np.zeros((6, 4, 4), np.uint8), np.zeros(6, np.int64), owners)
    groups = [group.tolist() for group in make_groups(digits, Grouping("writer", 2))]
    assert groups == [[1, 4], [0, 3], [2], [5]]
    assert [group.tolist() for group in make_groups(digits, None)] == [[i] for i in range(6)]


def test_what_a_writers_other_digits_say_settles_the_ambiguous_one() -> None:
    recipe = Recipe(Options(), "", NEUTRAL)
    rows = [joint(7, 1, 0.5), joint(1, 1, 0.01), joint(7, 1, 0.5), joint(1, 1, 0.99)]
    together = settle_groups(np.array(rows), [np.array([0, 1]), np.array([2, 3])], recipe)
    assert together.argmax(1).tolist() == [7, 1, 1, 1]
    assert together[[0, 2]].max(1) == pytest.approx([0.99, 0.99], abs=0.01)
    alone = settle_groups(np.array(rows), [np.array([i]) for i in range(4)], recipe)
    assert alone[0, [1, 7]] == pytest.approx([0.5, 0.5])
    european = Recipe(Options(style="european"), "", NEUTRAL)
    assert settle_groups(np.array(rows), [np.array([0])], european)[0, 1] > 0.99


@pytest.mark.parametrize("text", ["writer", "writer:", ":20", "writer:0", "writer:-1", "writer:2.5", "writer:²"])
def test_group_that_is_no_name_and_size_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="such as writer:20"):
        read_grouping(text)


def test_group_is_a_name_and_a_size() -> None:
    assert read_grouping("author:7") == Grouping("author", 7)


# the figures


def chances(*rows: tuple[int, float, float]) -> np.ndarray:
    """Chances of each row: a digit, its chance, and that of no digit; the rest is spread over the other digits."""
    table = np.zeros((len(rows), 11), np.float32)
    for row, (digit, chance, none) in zip(table, rows, strict=True):
        row[:10] = (1 - chance - none) / 9
        row[digit], row[NOT_A_DIGIT] = chance, none
    return table


def test_figures_are_what_their_names_say() -> None:
    digits = (3, 0.9, 0.1), (4, 0.8, 0.1), (9, 0.7, 0.1), (9, 0.6, 0.1), (5, 0.3, 0.65)
    probs = chances(*digits, (6, 0.9, 0.1), (1, 0, 1))
    report = measure(np.array([3, 4, 4, 4, 5, 10, 10]), probs, ORIGIN)
    assert (report.n, report.others) == (5, 2)
    assert report.error == pytest.approx(2 / 5)
    assert report.rejected == pytest.approx(1 / 5)
    assert report.others_rejected == pytest.approx(1 / 2)
    assert report.acceptable_1 == report.acceptable_05 == report.acceptable_01 == pytest.approx(3 / 5)
    # Each is a digit for certain, so the chance of being none is shared out.
    given = (0.9 / 0.9, 0.8 / 0.9, 0.7 / 0.9, 0.6 / 0.9, 0.3 / 0.35)
    wrong = (0, 0, 1, 1, 0)
    gaps = sum(abs(1 - chance if not miss else chance) for chance, miss in zip(given, wrong, strict=True))
    assert report.ece == pytest.approx(gaps / 5, abs=1e-6)
    assert report.confusions == (Confusion(4, 9, 2),)


def test_shares_that_can_be_accepted_differ_by_the_error_borne() -> None:
    labels = np.zeros(400, np.int64)
    rows = [(0, 1 - i / 1000, 0.0) for i in range(400)]
    for wrong in (150, 290, 399):
        rows[wrong] = (1, rows[wrong][1], 0.0)
    report = measure(labels, chances(*rows), ORIGIN)
    assert report.acceptable_01 == pytest.approx(150 / 400)
    assert report.acceptable_05 == pytest.approx(290 / 400)
    assert report.acceptable_1 == pytest.approx(1)


def test_sets_of_nothing_but_digits_or_nothing_but_others_have_figures_of_their_own() -> None:
    probs = chances((3, 0.9, 0.1), (4, 0.2, 0.8))
    none = measure(np.array([10, 10]), probs, ORIGIN)
    assert (none.n, none.error, none.ece, none.acceptable_1, none.others_rejected) == (0, None, None, None, 0.5)
    assert json.loads(write_digits(none))["error"] is None
    assert "2 that are no digit: 50.00% refused" in render_digits(none)
    digits = measure(np.array([3, 4]), probs, ORIGIN)
    assert (digits.error, digits.others, digits.others_rejected, digits.confusions) == (0, 0, None, ())
    assert "no digit:" not in render_digits(digits)


def test_chances_a_hair_above_one_are_ones() -> None:
    probs = chances((3, 1.0, 0.0))
    probs[0, 3] = np.nextafter(np.float32(1), np.float32(2))
    assert measure(np.array([3]), probs, ORIGIN).ece == 0


def test_worst_confusions_come_first_in_text_and_json() -> None:
    truth, read = [1, 1, 1, 9, 4, 4], [7, 7, 7, 4, 9, 9]
    report = measure(np.array(truth), chances(*((digit, 0.9, 0.0) for digit in read)), ORIGIN)
    wanted = [(1, 7, 3), (4, 9, 2), (9, 4, 1)]
    assert [tuple(pair.values()) for pair in json.loads(write_digits(report))["confusions"]] == wanted
    lines = render_digits(report).splitlines()[-3:]
    assert [tuple(map(int, line.split())) for line in lines] == wanted


# pictures


def test_worst_mistakes_are_the_surest() -> None:
    probs = chances((1, 0.6, 0.1), (2, 0.9, 0.0), (3, 0.8, 0.1), (5, 0.95, 0.0), (6, 0.2, 0.8))
    labels = np.array([7, 2, 9, 10, 10])
    assert rank_mistakes(labels, probs).tolist() == [3, 2, 0]
    assert tell_mistake(7, probs[0]) == "7, read 1, 60.0%"
    assert tell_mistake(10, probs[3]) == "no digit, read 5, 95.0%"


def test_confusions_are_counted_by_the_likeliest_class() -> None:
    figure = draw_confusions(np.array([1, 1, 10]), chances((7, 0.9, 0.0), (1, 0.2, 0.8), (7, 0.9, 0.0)))
    told = {(*map(int, text.get_position()), text.get_text()) for text in figure.axes[0].texts}
    assert told == {(7, 1, "1"), (10, 1, "1"), (7, 10, "1")}


# the command


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save(Cascade(make_shape(2, 1, 8), make_shape(2, 1, 8)), {}, tmp_path_factory.mktemp("model"))


@pytest.fixture
def some(digit_sets: Path, tmp_path: Path) -> Path:
    images, labels, writers = made_up(digit_sets)
    return write(tmp_path / "some.npz", x=images[:40], y=labels[:40], writer=writers[:40])


KEYS = {"n", "error", "rejected", "ece", "acceptable_1", "acceptable_05", "acceptable_01", "confusions"}


def test_command_prints_and_writes_the_report(
    some: Path, model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "deep" / "report"
    evaluate(digits=some, group="writer:20", out=out, json=True, model=model, device="cpu")
    printed = json.loads(capsys.readouterr().out)
    assert set(printed) >= KEYS
    assert (printed["n"], printed["ink"], printed["group"]) == (40, "high", "writer:20")
    assert sorted(path.name for path in out.iterdir()) == ["confusions.png", "report.json", "report.txt", "worst.png"]
    assert json.loads((out / "report.json").read_text()) == printed
    for name in ("confusions.png", "worst.png"):
        picture = cv2.imread(str(out / name))
        assert picture is not None
        assert np.ptp(picture) == 255
    evaluate(digits=some, model=model, device="cpu")
    assert "40 digits: " in capsys.readouterr().out


def test_report_that_cannot_be_written_says_so(some: Path, model: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(LedgerError, match="name another folder"):
        evaluate(digits=some, out=tmp_path / "file", model=model, device="cpu")


def test_either_tables_or_digits_are_evaluated(some: Path) -> None:
    for given in ({}, {"truth": some}, {"results": some}):
        with pytest.raises(UsageError, match="name both, or a set of digits"):
            evaluate(**given)
    with pytest.raises(UsageError, match="leave one or the other out"):
        evaluate(truth=some, results=some, digits=some)
    with pytest.raises(UsageError, match=r"--group.* go with --digits; leave them out"):
        evaluate(truth=some, results=some, group="writer:20")


def test_every_image_is_read_in_its_order(digit_sets: Path) -> None:
    images, labels, _ = made_up(digit_sets)
    many = np.concatenate([images] * 4)[:520]
    digits = DigitSet(many, np.concatenate([labels] * 4)[:520].astype(np.int64))
    sizes: list[int] = []

    def classify(crops: np.ndarray) -> np.ndarray:
        sizes.append(len(crops))
        return np.repeat(crops.reshape(len(crops), -1)[:, None, 400:411] / np.float32(255), 2, axis=1)

    crops, chances_read = read_images(digits, "high", classify)
    assert sizes == [512, 8]
    assert np.array_equal(crops[515], crop_digit(many[515], "high"))
    assert np.array_equal(chances_read, classify(crops))
