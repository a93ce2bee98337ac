"""Train the digit reader: knobs, data, networks, schedule, loop, from top to bottom."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal, NamedTuple, cast

import numpy as np
import torch
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler
from torch.optim.swa_utils import AveragedModel

from docproc.recognize.classifier import load_nets
from docproc.recognize.net import CLASSES, Cascade, Net, make_shape
from docproc.recognize.weights import choose_precision
from docproc.train.adversary import fgsm
from docproc.train.augment import distort
from docproc.train.bank import CHUNK
from docproc.train.cache import compose_once
from docproc.train.checkpoint import load_checkpoint, save_checkpoint
from docproc.train.crops import LabelledCrops, join_crops, make_crops, mnist_crops
from docproc.train.loss import cross_entropy, distillation, focal, log_classes
from docproc.train.modelfile import save_model, state_calibration
from docproc.train.plot import require_matplotlib
from docproc.types import NEUTRAL, NOT_A_DIGIT

DATA = "MNIST training set, UNIPEN train_r01_v07, Optdigits training set, Semeion, symbols, Omniglot; invented hands"
HELD_OUT = "one writer in five, by sha256 of the writer's name"
VALIDATION_FIELDS = 3000
MNIST_PASSES = 2
"""How often a pass over the crops comes by MNIST's own, which are few beside the composed ones."""


@dataclass(frozen=True, slots=True)
class Knobs:
    """All that decides the weights, beside the data. `focus` is the exponent of the focal loss, `average` the share of
    the averaged weights kept at each step, `attack` the size of the adversarial changes trained against, in grey
    levels of 0..1 (0: none)."""

    fields: int = 80_000
    epochs: int = 9
    batch: int = 256
    optimizer: Literal["adamw", "sgd"] = "adamw"
    loss: Literal["smoothed", "focal"] = "smoothed"
    rate: float = 2e-3
    decay: float = 0.02
    smoothing: float = 0.02
    focus: float = 1.0
    average: float = 0.999
    attack: float = 0.0
    width: int = 24
    depth: int = 2
    scout_width: int = 8
    scout_depth: int = 1
    seed: int = 1


SHAPE_KNOBS = ("width", "depth", "scout_width", "scout_depth")
"""What a card states as shapes: nets that were pruned, or went on from others, need not be such as the knobs make."""


@dataclass(frozen=True, slots=True)
class Scores:
    """Error on held-out writers, as fractions: MNIST's digits, composed digits, rejects taken for digits and digits
    taken for none, of the large net; composed digits of the small one."""

    epoch: int
    loss: float
    mnist: float
    digits: float
    rejects: float
    refused: float
    scout: float


class Sets(NamedTuple):
    """Crops to train on; and, of held-out writers, those of composed fields and MNIST's digits."""

    training: LabelledCrops
    validation: LabelledCrops
    mnist: LabelledCrops


class Parts(NamedTuple):
    """Nets in training, their running average, the optimizer and its schedule."""

    nets: Cascade
    averaged: AveragedModel
    optimizer: Optimizer
    schedule: LRScheduler

    @property
    def settled(self) -> Cascade:
        """The averaged nets, which are what is kept."""
        return cast(Cascade, self.averaged.module)


Lose = Callable[[NDArray[np.int64], torch.Generator], tuple[Tensor, Tensor]]
"""What some crops, by their places, cost: the loss to tell, and the one to go down."""


def train(
    data: Path, out: Path, knobs: Knobs, device: str = "cpu", workers: int = 2, start: Path | None = None
) -> Path:
    """Train on the digits in `data`; write weights, card, curve and checkpoint to `out` and return the weights' path.

    The nets begin as those of the weights `start`, or anew. A killed training goes on from its last epoch when run
    again with the same knobs.
    """
    require_matplotlib()
    out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(knobs.seed)
    torch.set_num_threads(workers)
    with show_bar() as bar:
        sets = gather_sets(data, out, knobs, workers, bar)
        nets, recipe = (build(knobs), asdict(knobs)) if start is None else go_on_from(start, knobs)
        nets.to(device)
        parts = equip(nets, knobs, len(sets.training.labels))
        history = [Scores(**scores) for scores in load_checkpoint(out / "checkpoint.pt", recipe, parts)]
        for epoch in range(len(history), knobs.epochs):
            loss = learn(parts, sets.training, knobs, epoch, bar)
            history.append(validate(epoch, loss, parts.settled, sets.mnist, sets.validation))
            bar.console.print(_line(history[-1]))
            save_checkpoint(out / "checkpoint.pt", recipe, parts, [asdict(scores) for scores in history])
    facts = {"recipe": recipe, "training_crops": len(sets.training.labels), "scores": asdict(history[-1])}
    weights = save(parts.settled, facts, out)
    _draw_curve(history, out / "curve.png")
    return weights


def build(knobs: Knobs) -> Cascade:
    """The two nets, untrained."""
    nets = Cascade(make_shape(knobs.scout_width, knobs.scout_depth), make_shape(knobs.width, knobs.depth))
    nets.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return nets


def go_on_from(start: Path, knobs: Knobs) -> tuple[Cascade, dict[str, Any]]:
    """The nets of some weights, and the recipe of their successors. Raises ModelError."""
    nets, card, _ = load_nets(start)
    nets.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    known = {name: value for name, value in asdict(knobs).items() if name not in SHAPE_KNOBS}
    return nets, {**known, "start": {"sha256": card["sha256"], "recipe": card.get("recipe")}}


def equip(nets: Cascade, knobs: Knobs, crops: int) -> Parts:
    """Nets with what it takes to train them on so many crops."""
    averaged = AveragedModel(nets, avg_fn=partial(average, most=knobs.average), use_buffers=True)
    return Parts(nets, averaged, *choose_optimizer(nets, knobs, crops // knobs.batch * knobs.epochs))


def choose_optimizer(nets: nn.Module, knobs: Knobs, steps: int) -> tuple[Optimizer, LRScheduler]:
    """The optimizer, and one cycle of its learning rate over so many steps."""
    optimizer: Optimizer
    if knobs.optimizer == "adamw":
        optimizer = torch.optim.AdamW(nets.parameters(), lr=knobs.rate, weight_decay=knobs.decay)
    else:
        optimizer = torch.optim.SGD(nets.parameters(), knobs.rate, 0.9, weight_decay=knobs.decay, nesterov=True)
    return optimizer, torch.optim.lr_scheduler.OneCycleLR(optimizer, knobs.rate, total_steps=steps, pct_start=0.15)


def average(kept: Tensor, new: Tensor, steps: Tensor | int, most: float) -> Tensor:
    """The running mean of the weights: of all steps at first, later of about the last 1 / (1 - `most`)."""
    if not kept.is_floating_point():
        return new
    return torch.lerp(kept, new, max(1 - most, 1 / (int(steps) + 1)))


def learn(parts: Parts, training: LabelledCrops, knobs: Knobs, epoch: int, bar: Progress) -> float:
    """One pass over the crops; returns its mean loss. The small net also learns from the large one's opinion."""
    nets = parts.nets
    device = next(nets.parameters()).device

    def lose(chosen: NDArray[np.int64], generator: torch.Generator) -> tuple[Tensor, Tensor]:
        # Crops stay uint8 until they are on the device.
        crops, labels, styles = (
            torch.from_numpy(column[chosen]).to(device) for column in (training.crops, training.labels, training.styles)
        )
        batch = distort(crops[:, None].float() / 255, generator)
        if knobs.attack:
            batch = fgsm(nets.reader, batch, labels, knobs.attack)
        with mix_precision(device):
            scores, scouted = nets.reader(batch), nets.scout(batch)
        loss = measure(scores, labels, styles, knobs)
        return loss, loss + 0.5 * measure(scouted, labels, styles, knobs) + 0.5 * distillation(scouted, scores)

    return take_epoch(parts, len(training.labels), lose, knobs, epoch, bar)


def take_epoch(parts: Parts, count: int, lose: Lose, knobs: Knobs, epoch: int, bar: Progress) -> float:
    """Go once through so many crops in random batches; returns the mean of the losses that are told."""
    generator = torch.Generator().manual_seed(knobs.seed * 1000 + epoch)
    torch.manual_seed(knobs.seed * 1000 + epoch)  # dropout too goes on as if nobody had killed it
    order = torch.randperm(count, generator=generator).numpy()
    batches = count // knobs.batch
    task = bar.add_task(f"epoch {epoch + 1}/{knobs.epochs}", total=batches)
    parts.nets.train()
    losses = 0.0
    for i in range(batches):
        told, whole = lose(order[i * knobs.batch : (i + 1) * knobs.batch], generator)
        take_step(whole, parts.nets, parts.averaged, parts.optimizer, parts.schedule)
        losses += float(told.detach())
        bar.advance(task)
    return losses / max(1, batches)


def mix_precision(device: torch.device) -> torch.autocast:
    """Compute in bfloat16 where the device is made for it; a processor that is not takes nine times as long."""
    made_for = choose_precision(device.type) is torch.bfloat16
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=made_for)


def take_step(
    loss: Tensor, nets: nn.Module, averaged: AveragedModel, optimizer: Optimizer, schedule: LRScheduler
) -> None:
    """One step down the loss, and the running average after it."""
    optimizer.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    nn.utils.clip_grad_norm_(nets.parameters(), 2.0)
    optimizer.step()
    schedule.step()
    averaged.update_parameters(nets)


def measure(scores: Tensor, labels: Tensor, styles: Tensor, knobs: Knobs) -> Tensor:
    """The loss that the knobs choose."""
    if knobs.loss == "focal":
        return focal(scores, labels, styles, knobs.focus)
    return cross_entropy(scores, labels, styles, knobs.smoothing)


def show_bar() -> Progress:
    """A bar for each long step, on the terminal's standard error."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=Console(stderr=True))


def gather_sets(data: Path, out: Path, knobs: Knobs, workers: int, bar: Progress) -> Sets:
    """All crops of a training; composed ones are kept in `out` for the next time."""
    training = compose_crops(data, out, knobs.fields, knobs.seed, False, workers, bar)
    validation = compose_crops(data, out, VALIDATION_FIELDS, knobs.seed, True, workers, bar)
    return Sets(training, validation, mnist_crops(data, held_out=True))


def compose_crops(
    data: Path, out: Path, fields: int, seed: int, held_out: bool, workers: int, bar: Progress
) -> LabelledCrops:
    """Compose the crops, or take those an earlier, interrupted training composed with the same seed."""

    def make() -> dict[str, Any]:
        task = bar.add_task(f"composing fields ({'held-out' if held_out else 'training'} writers)", total=fields)
        parts = []
        for part in make_crops(data, fields, held_out, seed, workers):
            parts.append(part)
            bar.advance(task, fields / math.ceil(fields / CHUNK))
        if not held_out:
            parts += [mnist_crops(data, held_out=False)] * MNIST_PASSES
        made = join_crops(parts)
        return {"crops": made.crops, "labels": made.labels, "styles": made.styles}

    return LabelledCrops(**compose_once(data, out, "crops", fields, seed, held_out, make))


def predict(net: Net, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Chances of the classes of crops, in batches: float32[n, 11]."""
    net.eval()
    device = next(net.parameters()).device
    parts = [np.zeros((0, CLASSES), np.float32)]
    with torch.inference_mode():
        for i in range(0, len(crops), 512):
            batch = torch.from_numpy(crops[i : i + 512]).to(device)[:, None].float() / 255
            parts.append(log_classes(net(batch)).exp().cpu().numpy())
    return np.concatenate(parts)


def validate(epoch: int, loss: float, nets: Cascade, mnist: LabelledCrops, composed: LabelledCrops) -> Scores:
    """Errors on writers the nets never saw; digits are scored among digits, rejects by what is taken for one."""
    digit = composed.labels != NOT_A_DIGIT
    read = predict(nets.reader, composed.crops)
    scouted = predict(nets.scout, composed.crops[digit])
    wrong = read[digit, :NOT_A_DIGIT].argmax(1) != composed.labels[digit]
    return Scores(
        epoch + 1,
        loss,
        float((predict(nets.reader, mnist.crops)[:, :NOT_A_DIGIT].argmax(1) != mnist.labels).mean()),
        float(wrong.mean()),
        float((read[~digit].argmax(1) != NOT_A_DIGIT).mean()),
        float((read[digit].argmax(1) == NOT_A_DIGIT).mean()),
        float((scouted[:, :NOT_A_DIGIT].argmax(1) != composed.labels[digit]).mean()),
    )


def _line(scores: Scores) -> str:
    return (
        f"epoch {scores.epoch}: loss {scores.loss:.4f}, wrong of held-out writers: MNIST {scores.mnist:.2%}, "
        f"composed digits {scores.digits:.2%} (small net {scores.scout:.2%}), rejects taken for digits "
        f"{scores.rejects:.2%}, digits for rejects {scores.refused:.2%}"
    )


def _draw_curve(history: list[Scores], path: Path) -> None:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(7, 4), dpi=110)
    epochs = [scores.epoch for scores in history]
    axes.plot(epochs, [100 * s.mnist for s in history], marker="o", label="MNIST digits")
    axes.plot(epochs, [100 * s.digits for s in history], marker="o", label="composed digits")
    axes.plot(epochs, [100 * s.rejects for s in history], marker="o", label="rejects taken for digits")
    axes.set(xlabel="epoch", ylabel="error on held-out writers, %", yscale="log", title="Training the digit reader")
    axes.grid(alpha=0.3, which="both")
    axes.legend()
    figure.tight_layout()
    figure.savefig(path)
    pyplot.close(figure)


def save(nets: Cascade, facts: dict[str, object], out: Path) -> Path:
    """Write weights and card."""
    card = {
        "shapes": {"scout": asdict(nets.scout.shape), "reader": asdict(nets.reader.shape)},
        "temperatures": (1.0, 1.0),
        **state_calibration(NEUTRAL),
        "data": DATA,
        "held_out": HELD_OUT,
        **facts,
    }
    return save_model(nets, out / "digits.safetensors", card)
