"""Train the digit reader: knobs, data, network, schedule, loop, from top to bottom."""

from __future__ import annotations

import hashlib
import json
import math
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from safetensors.torch import save_file
from torch import Tensor

from docproc.errors import InputError
from docproc.recognize.net import CLASSES, Net
from docproc.train.crops import LabelledCrops, join_crops, make_crops, mnist_crops
from docproc.types import NOT_A_DIGIT

VALIDATION_FIELDS = 3000


@dataclass(frozen=True, slots=True)
class Knobs:
    """All that decides the weights, beside the data."""

    fields: int = 40_000
    epochs: int = 6
    batch: int = 256
    rate: float = 2e-3
    decay: float = 0.02
    smoothing: float = 0.03
    width: int = 24
    seed: int = 1


@dataclass(frozen=True, slots=True)
class Scores:
    """Error on held-out writers, as fractions: MNIST's digits, composed digits, and rejects taken for digits."""

    epoch: int
    loss: float
    mnist: float
    digits: float
    rejects: float


def train(data: Path, out: Path, knobs: Knobs, device: str = "cpu", workers: int = 2) -> Path:
    """Train on the digits in `data`; write weights, card, curve and checkpoint to `out` and return the weights' path.

    A killed training goes on from its last epoch when run again with the same knobs.
    """
    out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(knobs.seed)
    torch.set_num_threads(workers)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns) as bar:
        training = _crops(data, out, knobs, False, workers, bar)
        validation = _crops(data, out, knobs, True, workers, bar)
        mnist = mnist_crops(data, held_out=True)

        net = Net(knobs.width).to(device)
        net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        optimizer = torch.optim.AdamW(net.parameters(), lr=knobs.rate, weight_decay=knobs.decay)
        batches = len(training.labels) // knobs.batch
        steps = batches * knobs.epochs
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, knobs.rate, total_steps=steps, pct_start=0.15)
        history = _resume(out / "checkpoint.pt", knobs, net, optimizer, schedule)

        for epoch in range(len(history), knobs.epochs):
            generator = torch.Generator().manual_seed(knobs.seed * 1000 + epoch)
            torch.manual_seed(knobs.seed * 1000 + epoch)  # dropout too goes on as if nobody had killed it
            order = torch.randperm(len(training.labels), generator=generator).numpy()
            task = bar.add_task(f"epoch {epoch + 1}/{knobs.epochs}", total=batches)
            net.train()
            losses = 0.0
            for i in range(batches):
                chosen = order[i * knobs.batch : (i + 1) * knobs.batch]
                # Crops stay uint8 until they are on the device.
                crops = torch.from_numpy(training.crops[chosen]).to(device)
                labels = torch.from_numpy(training.labels[chosen]).to(device)
                with torch.autocast(torch.device(device).type, dtype=torch.bfloat16):
                    scores = net(distort(crops[:, None].float() / 255, generator))
                loss = F.cross_entropy(scores.float(), labels, label_smoothing=knobs.smoothing)
                optimizer.zero_grad(set_to_none=True)
                loss.backward()  # type: ignore[no-untyped-call]
                torch.nn.utils.clip_grad_norm_(net.parameters(), 2.0)
                optimizer.step()
                schedule.step()
                losses += float(loss.detach())
                bar.advance(task)
            history.append(_validate(epoch, losses / batches, net, mnist, validation, device))
            bar.console.print(_line(history[-1]))
            state = [part.state_dict() for part in (net, optimizer, schedule)]
            torch.save([asdict(knobs), state, [asdict(s) for s in history]], out / "checkpoint.tmp")
            (out / "checkpoint.tmp").replace(out / "checkpoint.pt")
    _draw_curve(history, out / "curve.png")
    return _save(net, knobs, history, len(training.labels), out)


def distort(crops: Tensor, generator: torch.Generator) -> Tensor:
    """Lean, turn, scale and shift each crop a little, at random; thicken or thin some: float[n, 1, 28, 28]."""
    count = len(crops)
    draw = torch.randn(count, 6, generator=generator).to(crops.device)
    matrix = torch.zeros(count, 2, 3, device=crops.device)
    matrix[:, 0, 0] = 1 + 0.06 * draw[:, 0]
    matrix[:, 1, 1] = 1 + 0.06 * draw[:, 1]
    matrix[:, 0, 1] = 0.12 * draw[:, 2]
    matrix[:, 1, 0] = 0.05 * draw[:, 3]
    matrix[:, :, 2] = 0.045 * draw[:, 4:]
    grid = F.affine_grid(matrix, list(crops.shape), align_corners=False)
    moved = F.grid_sample(crops, grid, align_corners=False)
    change = torch.rand(count, 1, 1, 1, generator=generator).to(crops.device)
    thick = F.max_pool2d(moved, 3, 1, 1)
    thin = -F.max_pool2d(-moved, 3, 1, 1)
    moved = torch.where(change < 0.12, 0.5 * (moved + thick), moved)
    return torch.where(change > 0.9, 0.5 * (moved + thin), moved)


def _crops(data: Path, out: Path, knobs: Knobs, held_out: bool, workers: int, bar: Progress) -> LabelledCrops:
    """Compose the crops, or take those an earlier, interrupted training composed with the same seed."""
    fields = VALIDATION_FIELDS if held_out else knobs.fields
    cache = out / f"crops-{'validate' if held_out else 'train'}-{knobs.seed}-{fields}.npz"
    if cache.is_file():
        with np.load(cache, allow_pickle=False) as file:
            return LabelledCrops(file["crops"], file["labels"])
    task = bar.add_task(f"composing fields ({'held-out' if held_out else 'training'} writers)", total=fields)
    parts = []
    for part in make_crops(data, fields, held_out, knobs.seed, workers):
        parts.append(part)
        bar.advance(task, fields / math.ceil(fields / 100))
    if not held_out:
        parts.append(mnist_crops(data, held_out=False))
    made = join_crops(parts)
    np.savez(out / "crops.tmp.npz", crops=made.crops, labels=made.labels)
    (out / "crops.tmp.npz").replace(cache)
    return made


def _resume(
    checkpoint: Path,
    knobs: Knobs,
    net: Net,
    optimizer: torch.optim.Optimizer,
    schedule: torch.optim.lr_scheduler.LRScheduler,
) -> list[Scores]:
    if not checkpoint.is_file():
        return []
    saved, states, history = torch.load(checkpoint, weights_only=True)
    if saved != asdict(knobs):
        raise InputError(f"{checkpoint} is from a training with other knobs; choose another --out or delete it")
    net.load_state_dict(states[0])
    optimizer.load_state_dict(states[1])
    schedule.load_state_dict(states[2])
    return [Scores(**scores) for scores in history]


def predict(net: Net, crops: NDArray[np.uint8], device: str = "cpu") -> NDArray[np.float32]:
    """Logits of crops, in batches: float32[n, 11]."""
    net.eval()
    parts = [np.zeros((0, CLASSES), np.float32)]
    with torch.inference_mode():
        for i in range(0, len(crops), 512):
            batch = torch.from_numpy(crops[i : i + 512]).to(device)[:, None].float() / 255
            parts.append(net(batch).float().cpu().numpy())
    return np.concatenate(parts)


def _validate(epoch: int, loss: float, net: Net, mnist: LabelledCrops, composed: LabelledCrops, device: str) -> Scores:
    """Errors on writers the network never saw; digits are scored among digits, rejects by what is taken for one."""
    on_mnist = predict(net, mnist.crops, device)[:, :NOT_A_DIGIT].argmax(1)
    on_composed = predict(net, composed.crops, device).argmax(1)
    digit = composed.labels != NOT_A_DIGIT
    return Scores(
        epoch + 1,
        loss,
        float((on_mnist != mnist.labels).mean()),
        float((on_composed[digit] != composed.labels[digit]).mean()),
        float((on_composed[~digit] != NOT_A_DIGIT).mean()),
    )


def _line(scores: Scores) -> str:
    return (
        f"epoch {scores.epoch}: loss {scores.loss:.4f}, wrong of held-out writers: MNIST {scores.mnist:.2%}, "
        f"composed digits {scores.digits:.2%}, rejects taken for digits {scores.rejects:.2%}"
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


def _save(net: Net, knobs: Knobs, history: list[Scores], crops: int, out: Path) -> Path:
    weights = out / "digits.safetensors"
    save_file({name: value.detach().cpu().contiguous() for name, value in net.state_dict().items()}, weights)
    card = {
        "name": "digits",
        "width": knobs.width,
        "temperature": 1.0,
        "field_scale": 1.0,
        "field_offset": 0.0,
        "sha256": hashlib.sha256(weights.read_bytes()).hexdigest(),
        "made": time.strftime("%Y-%m-%d"),
        "recipe": asdict(knobs),
        "data": "MNIST training set, UNIPEN train_r01_v07, Optdigits training set, Semeion, symbols, Omniglot",
        "training_crops": crops,
        "held_out": "one writer in five, by sha256 of the writer's name",
        "scores": [asdict(scores) for scores in history][-1:],
    }
    (out / "digits.json").write_text(json.dumps(card, indent=2) + "\n", encoding="utf-8")
    return weights
