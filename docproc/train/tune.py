"""Search for better knobs: Optuna proposes, short trainings judge, and the search remembers them in a file."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

import torch
from rich.progress import Progress

from docproc.errors import InputError, UsageError
from docproc.recognize.net import multiply_adds
from docproc.train import fit
from docproc.train.fit import Knobs
from docproc.train.plot import require_matplotlib
from docproc.train.trials import Tried, list_tried, measure_error, save_trials, tell_trial

if TYPE_CHECKING:
    from optuna import Study
    from optuna.trial import BaseTrial, Trial

WIDTHS, DEPTHS, SCOUT_WIDTHS = (12, 36, 4), (1, 3, 1), (4, 12, 2)
"""Least, most and step of the channels and layers of the large net, and of the channels of the small one."""
LOSSES = {"smoothed": (0.005, 0.1), "focal": (0.25, 4.0)}
"""Each loss with the range of its own knob: `smoothing` or `focus`."""
RATES = {"adamw": (3e-4, 1e-2), "sgd": (1e-2, 3e-1)}
DECAYS = {"adamw": (1e-3, 1e-1), "sgd": (1e-5, 1e-3)}
"""What suits an optimizer; AdamW's decay is multiplied by its rate, that of SGD is part of the slope."""
FORGOTTEN = (3e-4, 3e-2)
"""Share of the averaged weights that each step replaces."""


@dataclass(frozen=True, slots=True)
class Search:
    """How far a search goes: so many finished trials, each of them a training on so many fields."""

    trials: int = 20
    fields: int = 4000
    epochs: int = 2
    seed: int = 1


def tune(data: Path, out: Path, search: Search, device: str = "cpu", workers: int = 2) -> tuple[Tried, ...]:
    """Try knobs until `search.trials` are finished; write what came of it to `out` and return it, in order.

    A trial is finished when it went to its end or was pruned. Killed, the search goes on when run again: the trial in
    hand is listed as failed, and its knobs come again. Raises InputError where `out` holds another search.
    """
    require_optuna()
    require_matplotlib()
    out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(workers)
    study = _open(out / "tune.db", search)
    with fit.show_bar() as bar:
        sets = fit.gather_sets(data, out, _base(search), workers, bar)
        done = _count_finished(study)
        task = bar.add_task("trials", total=max(done, search.trials), completed=done)
        for number in range(done, search.trials):
            _propose_anew(study, search, number)
            study.optimize(lambda trial: _try(trial, sets, search, device, bar), n_trials=1)
            bar.update(task, completed=_count_finished(study))
            for shown in bar.task_ids:
                if shown != task:
                    bar.remove_task(shown)
            bar.console.print(tell_trial(list_tried(study)[-1]))
    save_trials(study, out)
    return list_tried(study)


def require_optuna() -> None:
    """UsageError where there is nothing to search with."""
    if find_spec("optuna") is None:
        raise UsageError("the search needs Optuna: pip install 'docproc[train]'")


def choose_knobs(trial: BaseTrial, search: Search) -> Knobs:
    """The knobs that a trial proposes.

    What depends on a choice is proposed as a place from 0 to 1 in that choice's range. So all trials have the same
    parameters, and what is learned of, say, a high rate is not lost with the other optimizer.
    """
    loss = cast(Literal["smoothed", "focal"], trial.suggest_categorical("loss", tuple(LOSSES)))
    optimizer = cast(Literal["adamw", "sgd"], trial.suggest_categorical("optimizer", tuple(RATES)))
    softness = _between(trial.suggest_float("softness", 0, 1), LOSSES[loss])
    base = _base(search)
    return Knobs(
        fields=base.fields,
        epochs=base.epochs,
        seed=base.seed,
        width=trial.suggest_int("width", *WIDTHS[:2], step=WIDTHS[2]),
        depth=trial.suggest_int("depth", *DEPTHS[:2], step=DEPTHS[2]),
        scout_width=trial.suggest_int("scout_width", *SCOUT_WIDTHS[:2], step=SCOUT_WIDTHS[2]),
        loss=loss,
        smoothing=softness if loss == "smoothed" else base.smoothing,
        focus=softness if loss == "focal" else base.focus,
        optimizer=optimizer,
        rate=_between(trial.suggest_float("rate", 0, 1), RATES[optimizer]),
        decay=_between(trial.suggest_float("decay", 0, 1), DECAYS[optimizer]),
        average=round(1 - _between(trial.suggest_float("average", 0, 1), FORGOTTEN), 6),
    )


def propose(knobs: Knobs) -> dict[str, Any]:
    """The proposal that stands for these knobs: `choose_knobs` the other way round."""
    softness = knobs.smoothing if knobs.loss == "smoothed" else knobs.focus
    return {
        "loss": knobs.loss,
        "optimizer": knobs.optimizer,
        "softness": _place(softness, LOSSES[knobs.loss]),
        "width": knobs.width,
        "depth": knobs.depth,
        "scout_width": knobs.scout_width,
        "rate": _place(knobs.rate, RATES[knobs.optimizer]),
        "decay": _place(knobs.decay, DECAYS[knobs.optimizer]),
        "average": _place(1 - knobs.average, FORGOTTEN),
    }


def _base(search: Search) -> Knobs:
    return Knobs(fields=search.fields, epochs=search.epochs, seed=search.seed)


def _between(place: float, ends: tuple[float, float]) -> float:
    """The value at a place from 0 to 1 of a range, evenly in its logarithm; three digits, since more say nothing."""
    return float(f"{ends[0] ** (1 - place) * ends[1] ** place:.3g}")


def _place(value: float, ends: tuple[float, float]) -> float:
    return round(math.log(value / ends[0]) / math.log(ends[1] / ends[0]), 6)


def _open(path: Path, search: Search) -> Study:
    """The study that `path` remembers, its killed trials marked as failed; or a new one."""
    import optuna
    from optuna.trial import TrialState
    from sqlalchemy.exc import DatabaseError

    optuna.logging.set_verbosity(optuna.logging.WARNING)  # our bar tells the same
    pruner = optuna.pruners.MedianPruner()
    try:
        study = optuna.create_study(
            storage=f"sqlite:///{path}", study_name="docproc", load_if_exists=True, pruner=pruner
        )
    except DatabaseError as error:
        raise InputError(f"cannot use {path}: {error.orig}; choose another --out or delete it") from error
    settings = {"fields": search.fields, "epochs": search.epochs, "seed": search.seed}
    if study.user_attrs.get("settings", settings) != settings:
        raise InputError(f"{path} is from a search with other fields, epochs or seed; choose another --out")
    study.set_user_attr("settings", settings)
    for trial in study.get_trials(states=(TrialState.RUNNING,)):
        study.tell(trial.number, state=TrialState.FAIL)
    return study


def _count_finished(study: Study) -> int:
    from optuna.trial import TrialState

    return len(study.get_trials(deepcopy=False, states=(TrialState.COMPLETE, TrialState.PRUNED)))


def _propose_anew(study: Study, search: Search, number: int) -> None:
    """Make the next proposal depend on the finished trials and their number alone.

    One sampler for the whole search would, after a kill, begin again with the proposals it has made already. The
    first trial are the knobs that `docproc train` has without a search, to be beaten.
    """
    from optuna.samplers import TPESampler
    from optuna.trial import TrialState

    study.sampler = TPESampler(seed=search.seed * 1000 + number)
    if number == 0 and not study.get_trials(deepcopy=False, states=(TrialState.WAITING,)):
        study.enqueue_trial(propose(Knobs()))


def _try(trial: Trial, sets: fit.Sets, search: Search, device: str, bar: Progress) -> float:
    """Train with the knobs a trial proposes; the error at the end."""
    from optuna import TrialPruned

    knobs = choose_knobs(trial, search)
    torch.manual_seed(knobs.seed)
    nets = fit.build(knobs).to(device)
    parts = fit.equip(nets, knobs, len(sets.training.labels))
    trial.set_user_attr("knobs", asdict(knobs))
    trial.set_user_attr("multiply_adds", multiply_adds(nets.scout.shape) + multiply_adds(nets.reader.shape))
    error = math.nan
    for epoch in range(knobs.epochs):
        loss = fit.learn(parts, sets.training, knobs, epoch, bar)
        scores = fit.validate(epoch, loss, parts.settled, sets.mnist, sets.validation)
        error = measure_error(scores)
        trial.set_user_attr("scores", asdict(scores))
        trial.report(error, epoch)
        if epoch + 1 < knobs.epochs and trial.should_prune():
            raise TrialPruned
    return error
