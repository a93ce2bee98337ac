"""A search tries what it was asked to, remembers it when killed, and ends as knobs that a training takes."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from pathlib import Path

import cv2
import optuna
import pytest
from optuna.trial import FixedTrial, TrialState, create_trial

from docproc.errors import InputError
from docproc.recognize.net import make_shape, multiply_adds
from docproc.train import fit
from docproc.train.fit import Knobs, Scores, learn
from docproc.train.knobs import load_knobs
from docproc.train.trials import FEWEST, Tried, draw_search, measure_error, render_trials, tell_trial
from docproc.train.tune import Search, choose_knobs, propose, tune

SEARCH = Search(trials=3, fields=100, epochs=1)


@pytest.fixture(scope="module", autouse=True)
def few_fields() -> Iterator[None]:
    """Validate on one chunk of fields."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fit, "VALIDATION_FIELDS", 100)
        yield


@pytest.fixture(scope="module")
def searched(digit_sets: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, tuple[Tried, ...]]:
    """The folder and the trials of an undisturbed search."""
    out = tmp_path_factory.mktemp("searched")
    return out, tune(digit_sets, out, SEARCH, workers=1)


@pytest.fixture
def begun(searched: tuple[Path, tuple[Tried, ...]], tmp_path: Path) -> Path:
    """A folder in which the fields are composed and nothing is tried yet."""
    for crops in searched[0].glob("crops-*.npz"):
        shutil.copy(crops, tmp_path)
    return tmp_path


class Killed(BaseException):
    """What nobody catches, as nobody catches the end of a process."""


def kill_at(call: int, end: type[BaseException]) -> Callable[..., float]:
    """`learn`, but for one call that ends the search."""
    calls = 0

    def killed(*arguments: object) -> float:
        nonlocal calls
        calls += 1
        if calls == call:
            raise end
        return learn(*arguments)  # type: ignore[arg-type]

    return killed


def test_search_tries_the_defaults_first_and_then_others(searched: tuple[Path, tuple[Tried, ...]]) -> None:
    tried = searched[1]
    assert [one.state for one in tried] == ["complete"] * 3
    assert tried[0].knobs == Knobs(fields=100, epochs=1)
    assert len({describe(one) for one in tried}) == 3
    cost = multiply_adds(make_shape(24, 2)) + multiply_adds(make_shape(8, 1))
    assert tried[0].multiply_adds == cost


def describe(tried: Tried) -> str:
    return str(tried.knobs)


def test_search_leaves_table_picture_and_knobs(searched: tuple[Path, tuple[Tried, ...]]) -> None:
    out, tried = searched
    with (out / "trials.csv").open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert [float(row["error"]) for row in rows] == [one.error for one in tried]
    assert [row["state"] for row in rows] == ["complete"] * 3
    assert [int(row["knob_width"]) for row in rows] == [one.knobs.width for one in tried if one.knobs]
    picture = cv2.imread(str(out / "tune.png"))
    assert picture is not None
    assert picture.shape[1] > 1000
    best = min(tried, key=lambda one: one.error)
    assert best.knobs is not None
    found, plain = load_knobs(out / "best.toml"), Knobs()
    assert replace(found, fields=100, epochs=1) == best.knobs
    assert (found.fields, found.epochs) == (plain.fields, plain.epochs)


@pytest.mark.parametrize("end", [Killed, KeyboardInterrupt])
def test_killed_search_goes_on_and_ends_as_an_undisturbed_one(
    searched: tuple[Path, tuple[Tried, ...]], begun: Path, digit_sets: Path, end: type[BaseException]
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fit, "learn", kill_at(2, end))
        with pytest.raises(end):
            tune(digit_sets, begun, SEARCH, workers=1)
    first, killed, *others = tune(digit_sets, begun, SEARCH, workers=1)
    assert (killed.number, killed.state, killed.scores) == (1, "fail", None)
    assert killed.knobs == searched[1][1].knobs
    assert [(one.state, one.knobs, one.error) for one in (first, *others)] == [
        (one.state, one.knobs, one.error) for one in searched[1]
    ]
    assert killed.multiply_adds == others[0].multiply_adds


def test_search_killed_at_its_first_trial_begins_with_the_defaults_again(begun: Path, digit_sets: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fit, "learn", kill_at(1, Killed))
        with pytest.raises(Killed):
            tune(digit_sets, begun, replace(SEARCH, trials=1), workers=1)
    tried = tune(digit_sets, begun, replace(SEARCH, trials=1), workers=1)
    assert [one.state for one in tried] == ["fail", "complete"]
    assert tried[0].knobs == tried[1].knobs == Knobs(fields=100, epochs=1)


def test_finished_trials_are_not_tried_again(searched: tuple[Path, tuple[Tried, ...]], digit_sets: Path) -> None:
    out, tried = searched
    (out / "best.toml").unlink()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fit, "learn", kill_at(1, Killed))
        assert tune(digit_sets, out, SEARCH, workers=1) == tried
        assert tune(digit_sets, out, replace(SEARCH, trials=2), workers=1) == tried
    assert (out / "best.toml").is_file()


@pytest.mark.parametrize("other", [{"fields": 200}, {"epochs": 2}, {"seed": 7}])
def test_folder_of_another_search_is_refused(
    searched: tuple[Path, tuple[Tried, ...]], digit_sets: Path, other: dict[str, int]
) -> None:
    with pytest.raises(InputError, match="choose another --out"):
        tune(digit_sets, searched[0], replace(SEARCH, **other), workers=1)


def test_file_that_is_no_search_is_refused(begun: Path, digit_sets: Path) -> None:
    (begun / "tune.db").write_bytes(b"no database " * 1000)
    with pytest.raises(InputError, match="choose another --out"):
        tune(digit_sets, begun, SEARCH, workers=1)


def test_bad_trial_is_pruned_after_an_epoch(begun: Path, digit_sets: Path) -> None:
    study = optuna.create_study(storage=f"sqlite:///{begun / 'tune.db'}", study_name="docproc")
    better = {"knobs": asdict(Knobs()), "scores": asdict(Scores(2, 0.1, 0.01, 0.01, 0.01, 0.01, 0.01))}
    for _ in range(5):
        study.add_trial(create_trial(value=0.0, intermediate_values={0: 0.0}, user_attrs=better))
    tried = tune(digit_sets, begun, Search(6, 100, 2), workers=1)[-1]
    assert (tried.number, tried.state) == (5, "pruned")
    assert tried.scores is not None
    assert tried.scores.epoch == 1


@pytest.mark.parametrize(
    "knobs",
    [
        Knobs(),
        Knobs(width=12, depth=3, scout_width=4, loss="focal", focus=2.0, optimizer="sgd", rate=0.1, decay=1e-4),
        Knobs(width=36, depth=1, scout_width=12, smoothing=0.1, rate=0.01, decay=0.1, average=0.97),
        Knobs(smoothing=0.005, rate=3e-4, decay=1e-3, average=0.9997),
    ],
)
def test_proposals_cover_their_ranges(knobs: Knobs) -> None:
    search = Search(fields=knobs.fields, epochs=knobs.epochs, seed=knobs.seed)
    assert choose_knobs(FixedTrial(propose(knobs)), search) == knobs


def test_error_is_the_mean_of_four() -> None:
    scores = Scores(1, 9.0, mnist=0.01, digits=0.02, rejects=0.08, refused=0.04, scout=0.05)
    assert measure_error(scores) == pytest.approx((0.01 + 0.02 + 0.05 + 0.12) / 4)


def tried(number: int, state: str, error: float) -> Tried:
    return Tried(number, state, Knobs(width=12 + number), Scores(1, 0.1, error, error, error, 0, error), 1_000_000)


def test_table_has_the_complete_trials_best_first() -> None:
    lost = Tried(4, "fail", None, None, None)
    text = render_trials([tried(0, "complete", 0.03), tried(1, "pruned", 0.01), tried(2, "complete", 0.02), lost])
    first, _, *rows = text.splitlines()
    assert first == "trials: 2 complete, 1 pruned, 1 fail"
    assert [row.split()[:2] for row in rows] == [["2", "2.00%"], ["0", "3.00%"]]
    assert "14x2, small 8, smoothed 0.02, adamw 0.002, decay 0.02, average 0.999" in rows[0]
    assert tell_trial(lost) == "trial 4: fail"
    assert tell_trial(tried(1, "pruned", 0.01)).startswith("trial 1: pruned, mean error 1.00% after epoch 1 (13x2,")


def test_picture_tells_the_knob_that_matters() -> None:
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=1))
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study.optimize(lambda trial: trial.suggest_float("rate", 0, 1) + 0 * trial.suggest_float("decay", 0, 1), 40)
    assert len(study.get_trials(states=(TrialState.COMPLETE,))) > FEWEST
    trials = [tried(trial.number, "complete", trial.values[0]) for trial in study.trials]
    history, cost, importance = draw_search(study, trials).axes
    assert [label.get_text() for label in importance.get_yticklabels()] == ["decay", "rate"]
    best = next(line for line in history.lines if line.get_label() == "best so far")
    assert list(best.get_ydata()) == sorted(best.get_ydata(), reverse=True)
    assert len(cost.lines[0].get_xdata()) == 40


def test_few_trials_tell_no_importance() -> None:
    axes = draw_search(optuna.create_study(), [tried(0, "complete", 0.1), tried(1, "pruned", 0.2)]).axes
    assert [text.get_text() for text in axes[2].texts] == [f"needs {FEWEST} complete trials"]
