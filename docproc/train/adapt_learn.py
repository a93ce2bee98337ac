"""Champion → challenger: both readers learn a batch's digits, and keep to what they said of the training sets' digits.

On crops and rows of the training sets the champion itself is the teacher (Li and Hoiem, Learning without Forgetting,
2016), so that nothing changes there without need. Running means of batch norm stay, and no neuron is dropped: only what
the batch asks for shall move.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass
from functools import partial
from typing import TypeVar, cast

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from rich.progress import Progress
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler
from torch.optim.swa_utils import AveragedModel

from docproc.recognize.line_net import BLANK, ROOM, LineNet
from docproc.recognize.net import Cascade, Net
from docproc.segment.normalize import SIDE
from docproc.train.augment import distort
from docproc.train.crops import LabelledCrops
from docproc.train.fit import Knobs, average, choose_optimizer, take_step
from docproc.train.fit_lines import gather_batch
from docproc.train.line_augment import distort_lines
from docproc.train.lines import LabelledLine
from docproc.train.loss import cross_entropy, distillation
from docproc.train.temper import fit_temperature
from docproc.types import NOT_A_DIGIT, STYLES, Crops, Joint

M = TypeVar("M", bound=nn.Module)


@dataclass(frozen=True, slots=True)
class Pace:
    """How a reader learns: so many steps, each on so many examples of the batch and of the training sets; `average` is
    the share of the averaged weights kept each step, `keep` the weight of what the champion says."""

    steps: int
    own: int
    base: int
    rate: float
    average: float = 0.99
    keep: float = 1.0
    smoothing: float = 0.02


CROPS = Pace(300, 32, 128, 3e-4, keep=6.0)
ROWS = Pace(200, 20, 44, 3e-4, keep=2.0)


def learn_crops(
    champion: Cascade, own: LabelledCrops, base: LabelledCrops, pace: Pace, seed: int, bar: Progress
) -> Cascade:
    """A copy of the nets for digits whose large one has learned a batch's digits.

    The small one stays: it has no room for more, and what it is not sure of goes to the large one anyway.
    """
    nets, averaged, optimizer, schedule = _equip(champion.reader, pace, seed)
    generator = torch.Generator().manual_seed(seed)
    deals = zip(_deal(len(own.labels), pace.own, seed), _deal(len(base.labels), pace.base, seed + 1), strict=False)
    task = bar.add_task("learning digits", total=pace.steps)
    for _, (mine, others) in zip(range(pace.steps), deals, strict=False):
        crops = torch.from_numpy(np.concatenate([own.crops[mine], base.crops[others]]))
        batch = distort(crops[:, None].float() / 255, generator)
        labels, styles = torch.from_numpy(own.labels[mine]), torch.from_numpy(own.styles[mine])
        scores = nets(batch)
        with torch.no_grad():
            said = champion.reader(batch[len(mine) :])
        loss = cross_entropy(scores[: len(mine)], labels, styles, pace.smoothing)
        loss = loss + pace.keep * distillation(scores[len(mine) :], said)
        take_step(loss, nets, averaged, optimizer, schedule)
        bar.advance(task)
    challenger = deepcopy(champion)
    challenger.reader.load_state_dict(averaged.module.state_dict())
    return challenger.eval()


def learn_lines(
    champion: LineNet, own: Sequence[LabelledLine], base: Sequence[LabelledLine], pace: Pace, seed: int, bar: Progress
) -> LineNet:
    """A copy of the net for rows that has learned a batch's rows."""
    net, averaged, optimizer, schedule = _equip(champion, pace, seed)
    generator = torch.Generator().manual_seed(seed)
    deals = zip(_deal(len(own), pace.own, seed), _deal(len(base), pace.base, seed + 1), strict=False)
    task = bar.add_task("learning rows", total=pace.steps)
    for _, (mine, others) in zip(range(pace.steps), deals, strict=False):
        lines = [own[i] for i in mine]
        batch = distort_lines(gather_batch([*lines, *(base[i] for i in others)], ROOM).float() / 255, generator)
        scores = net(batch)
        with torch.no_grad():
            known = champion(batch[len(mine) :])
        chances = scores[: len(mine)].log_softmax(2).transpose(0, 1)
        signs = torch.from_numpy(np.concatenate([line.signs for line in lines]).astype(np.int64))
        counts, spans = torch.tensor([len(line.signs) for line in lines]), torch.full((len(lines),), len(chances))
        loss = F.ctc_loss(chances, signs, spans, counts, BLANK, zero_infinity=True)
        loss = loss + pace.keep * keep_rows(scores[len(mine) :], known)
        take_step(loss, net, averaged, optimizer, schedule)
        bar.advance(task)
    return cast(LineNet, averaged.module)


def keep_rows(scores: Tensor, known: Tensor) -> Tensor:
    """Divergence of what a net says of rows from what another does, summed over a row's columns, the mean over rows."""
    learned, wanted = scores.log_softmax(2), known.log_softmax(2)
    return F.kl_div(learned, wanted, reduction="sum", log_target=True) / len(scores)


def blend(champion: M, challenger: M, share: float) -> M:
    """The net so far on the way from champion to challenger (Wortsman et al., Robust Fine-tuning, 2022)."""
    before, blended = champion.state_dict(), deepcopy(challenger)
    weights = {
        name: torch.lerp(before[name], value, share) if value.is_floating_point() else value
        for name, value in challenger.state_dict().items()
    }
    blended.load_state_dict(weights)
    return blended.eval()


def _equip(champion: M, pace: Pace, seed: int) -> tuple[M, AveragedModel, Optimizer, LRScheduler]:
    """A copy of the champion that learns, its running average, the optimizer, its schedule."""
    torch.manual_seed(seed)
    champion.eval()
    nets = deepcopy(champion)
    nets.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    averaged = AveragedModel(nets, avg_fn=partial(average, most=pace.average), use_buffers=True)
    return nets, averaged, *choose_optimizer(nets, Knobs(rate=pace.rate), pace.steps)


def _deal(count: int, size: int, seed: int) -> Iterator[NDArray[np.int64]]:
    """Places of `size` examples again and again, each of `count` once before any comes again."""
    rng = np.random.default_rng(seed)
    left = np.zeros(0, np.int64)
    while True:
        while len(left) < size:
            left = np.concatenate([left, rng.permutation(count)])
        yield left[:size]
        left = left[size:]


def warm(
    temperatures: tuple[float, float], champion: Cascade, challenger: Cascade, digits: LabelledCrops
) -> tuple[float, float]:
    """The challenger's temperatures of small and large net: the champion's, changed as the likeliest ones on digits of
    writers who never train change from one to the other."""
    known = digits.labels != NOT_A_DIGIT
    crops, labels = digits.crops[known], digits.labels[known]

    def shift(temperature: float, before: Net, after: Net) -> float:
        old, new = (fit_temperature([predict_joint(net, crops)], [labels]) for net in (before, after))
        return round(temperature * new / old, 3)

    scout, reader = temperatures
    return shift(scout, champion.scout, challenger.scout), shift(reader, champion.reader, challenger.reader)


def predict_joint(net: Net, crops: Crops) -> Joint:
    """Chances of styles and classes of crops at temperature 1: float32[n, 2, 11]."""
    net.eval()
    parts = [np.zeros((0, len(STYLES), NOT_A_DIGIT + 1), np.float32)]
    with torch.inference_mode():
        for i in range(0, len(crops), 512):
            scores = net(torch.from_numpy(crops[i : i + 512])[:, None].float() / 255)
            parts.append(torch.softmax(scores.flatten(1), 1).view(scores.shape).numpy())
    return np.concatenate(parts)


def no_crops() -> LabelledCrops:
    """No crop at all."""
    return LabelledCrops(np.zeros((0, SIDE, SIDE), np.uint8), np.zeros(0, np.int64), np.zeros(0, np.int64))
