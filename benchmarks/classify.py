"""What classifying costs: `python benchmarks/classify.py PAGES... [--model WEIGHTS]`.

PAGES are documents or folders of them; their own crops are classified, and their own rows read. Times on the CPU are
user time on one thread, microseconds a crop and milliseconds a row, medians of rounds in which all contestants take
turns, so that a slow moment hits them all. Where there is a CUDA device, digits a second on it follow, and the share of
what its chip could do.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TypeVar

import cv2
import numpy as np
import torch
from torch import Tensor, nn

from docproc.errors import PageError
from docproc.flow.pipeline import prepare
from docproc.options import Options, Recipe
from docproc.pages.sources import find, survey
from docproc.recognize.classifier import BATCH, SURE, Classifier, find_weights, load, load_nets
from docproc.recognize.line_reader import load_line_reader
from docproc.train.onnx import NEEDED, export
from docproc.train.report import render_table
from docproc.types import NEUTRAL, NOT_A_DIGIT, Crops, Line, PageRef, PreparedPage

THRESHOLDS = (0.9, 0.95, 0.98, 0.99, 0.995)
"""How sure the small net must be to decide: the values that are tried."""
GPU_BATCHES = (8192, 32768)
PEAKS = {"H100 PCIe": 756, "H100": 989, "H200": 989, "A100": 312, "L40S": 362, "L40": 181, "L4": 121}
"""Dense bfloat16 tera-operations a second by the makers' sheets; the first name found in the device's is taken."""
WARM_UP, GPU_ROUNDS = 3, 10

Run = Callable[[Crops], object]
T = TypeVar("T", Crops, list[Line])


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pages", nargs="+", help="documents or folders of them")
    parser.add_argument("--model", type=Path, help="weights other than the shipped ones")
    parser.add_argument("--most", type=int, default=4096, help="crops to time; the shares are of all crops")
    parser.add_argument("--rounds", type=int, default=7, help="turns that each contestant takes")
    parser.add_argument(
        "--peak", type=float, help="what the CUDA device could do, in bfloat16 tera-operations a second"
    )
    given = parser.parse_args()
    cv2.setNumThreads(1)
    prepared = list(prepare_pages(given.pages))
    pages = [page.crops for page in prepared if len(page.crops)]
    if not pages:
        parser.error("no page has a crop; name pages with digits")
    crops = np.concatenate(pages)
    weights = find_weights(given.model)
    classifier = load(weights, "cpu")
    torch.set_num_threads(1)
    print(f"{len(crops):,} crops of {len(pages)} pages")
    print(f"weights: {weights.stat().st_size:,} bytes\n")
    timed = np.random.default_rng(0).permutation(crops)[: given.most]
    costs = print_costs(timed, weights, classifier, given.rounds)
    print_rows(prepared, weights, given.rounds)
    print_cascade(crops, classifier, costs)
    if torch.cuda.is_available():
        print_gpu(timed, weights, classifier, given.peak)
        print_page(pages, classifier, load(weights, "cuda"), given.rounds)


def prepare_pages(inputs: Sequence[str]) -> Iterator[PreparedPage]:
    """Each page that can be read, with its crops and rows as a run would make them."""
    options = Options.model_validate({})
    recipe = Recipe(options, "", NEUTRAL)
    for source in find(inputs):
        document = survey(source, options)
        for number in range(1, document.pages + 1):
            try:
                yield prepare(PageRef(source, document.digest, number), recipe)
            except PageError as error:
                print(f"left out: {source} page {number}: {error}")


def build_reference() -> nn.Sequential:
    """A plain CNN at full resolution, the yardstick: what it reads does not matter here, what it costs does."""
    return nn.Sequential(
        *(nn.Conv2d(1, 16, 3, padding=1), nn.ReLU()),
        *(nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(32, 64, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Flatten(), nn.Linear(64 * 7 * 7, 32), nn.ReLU(), nn.Linear(32, 11)),
    ).eval()


def run_reference(net: nn.Module, crops: Crops) -> None:
    """The yardstick as one would write it first: eager, float32, a batch at a time."""
    with torch.inference_mode():
        for i in range(0, len(crops), BATCH):
            torch.softmax(net(torch.from_numpy(crops[i : i + BATCH])[:, None].float() / 255), 1)


def print_costs(crops: Crops, weights: Path, classifier: Classifier, rounds: int) -> dict[str, float]:
    """A table of the contestants on the CPU; returns their costs in microseconds a crop."""
    reference = build_reference()
    nets, _, _ = load_nets(weights)
    measured = {"plain CNN": reference, "scout alone": nets.scout, "reader alone": nets.reader}
    contestants: dict[str, Run] = {
        "plain CNN": partial(run_reference, reference),
        "docproc": classifier.classify,
        "scout alone": classifier.ask_scout,
        "reader alone": classifier.ask_reader,
    }
    if all(find_spec(name) for name in ("onnxruntime", *NEEDED)):
        contestants |= open_exported(weights)
    else:
        print("ONNX Runtime is left out: pip install 'docproc[onnx]' onnxruntime")
    costs = time_in_turns(contestants, crops, rounds)
    head = ("one thread", "us a crop", "of the plain CNN", "parameters", "multiply-adds a crop")
    rows = [
        (name, f"{cost:.1f}", f"{cost / costs['plain CNN']:.1%}", *tell_size(measured.get(name)))
        for name, cost in costs.items()
    ]
    print(render_table([head, *rows]) + "\n")
    return costs


def print_rows(pages: Sequence[PreparedPage], weights: Path, rounds: int) -> None:
    """What the second reader takes for a row, all rows of the pages at once."""
    read = load_line_reader(weights, "cpu").read
    rows = [page.lines[number] for page in pages for number, lattice in enumerate(page.lattices) if lattice.segments]
    cost = time_in_turns({"read": read}, rows, rounds)["read"]
    print(f"second reader, {len(rows):,} rows: {cost / 1e3:.2f} ms a row\n")


def open_exported(weights: Path) -> dict[str, Run]:
    """The same nets in ONNX Runtime, float32, on one thread."""
    import onnxruntime  # may not be installed

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    runs: dict[str, Run] = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, path in zip(("scout", "reader"), export(weights, Path(folder) / "net.onnx", "both"), strict=True):
            session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
            runs[f"{name} in ONNX Runtime"] = partial(run_session, session.run)
    return runs


def run_session(run: Callable[[None, Mapping[str, Crops]], object], crops: Crops) -> None:
    """All crops through an ONNX Runtime session, a batch at a time."""
    for i in range(0, len(crops), BATCH):
        run(None, {"crops": crops[i : i + BATCH]})


def time_in_turns(contestants: Mapping[str, Callable[[T], object]], given: T, rounds: int) -> dict[str, float]:
    """Median user CPU time of each contestant, microseconds for each of what is given."""
    spent: dict[str, list[float]] = {name: [] for name in contestants}
    for run in contestants.values():
        run(given[: 2 * BATCH])
    for _ in range(rounds):
        for name, run in contestants.items():
            start = resource.getrusage(resource.RUSAGE_SELF).ru_utime
            run(given)
            spent[name].append(resource.getrusage(resource.RUSAGE_SELF).ru_utime - start)
    return {name: 1e6 * statistics.median(times) / len(given) for name, times in spent.items()}


def tell_size(net: nn.Module | None) -> tuple[str, str]:
    """Parameters and multiply-adds, where there is one net to count them of."""
    if net is None:
        return "", ""
    return f"{sum(weight.numel() for weight in net.parameters()):,}", f"{count_multiply_adds(net):,}"


def count_multiply_adds(net: nn.Module) -> int:
    """Multiplications that the layers do for one crop, counted while they do them."""
    done: list[int] = []

    def count(layer: nn.Module, _inputs: tuple[Tensor, ...], made: Tensor) -> None:
        assert isinstance(layer, nn.Conv2d | nn.Linear)
        done.append(made.numel() * layer.weight[0].numel())

    layers = [layer for layer in net.modules() if isinstance(layer, nn.Conv2d | nn.Linear)]
    hooks = [layer.register_forward_hook(count) for layer in layers]
    first = next(net.parameters())
    with torch.inference_mode():
        net(torch.zeros(1, 1, 28, 28, dtype=first.dtype, device=first.device))
    for hook in hooks:
        hook.remove()
    return sum(done)


def print_cascade(crops: Crops, classifier: Classifier, costs: Mapping[str, float]) -> None:
    """For each threshold: what the scout decides, how the outcome differs from the reader's, what it costs by sum."""
    scouted, read = classifier.ask_scout(crops).sum(1), classifier.ask_reader(crops).sum(1)
    named = read.argmax(1)
    rows = [("sure", "scout decides", "of it unlike the reader", "other digit", "digit or none", "us a crop, by sum")]
    for sure in THRESHOLDS:
        decided = scouted.max(1) >= sure
        chosen = scouted.argmax(1)
        unlike = decided & (chosen != named)
        digits = unlike & (chosen != NOT_A_DIGIT) & (named != NOT_A_DIGIT)
        cost = costs["scout alone"] + (1 - decided.mean()) * costs["reader alone"]
        within = unlike.sum() / max(1, decided.sum())
        mixed = unlike.mean() - digits.mean()
        shares = (f"{decided.mean():.1%}", f"{within:.2%}", f"{digits.mean():.2%}", f"{mixed:.2%}")
        rows.append((f"{sure:.3f}", *shares, f"{cost:.1f}"))
    print(render_table(rows))
    print("other digit, digit or none: shares of all crops\n")


def print_gpu(crops: Crops, weights: Path, classifier: Classifier, peak: float | None) -> None:
    """Digits a second on the CUDA device at large batches, and the share of its peak that the multiply-adds are."""
    device = torch.cuda.get_device_name()
    limit = peak or next((known for name, known in PEAKS.items() if name in device), None)
    placed = load(weights, "cuda")
    reference = build_reference().to("cuda", torch.bfloat16, memory_format=torch.channels_last)  # type: ignore[call-overload]
    unsure = 1 - float((classifier.ask_scout(crops).sum(1).max(1) >= SURE).mean())
    rows = [("on " + device, "batch", "digits a second", "of the bfloat16 peak")]
    for size in GPU_BATCHES:
        batch = np.resize(crops, (size, *crops.shape[1:]))
        for name, net in (("plain CNN", reference), ("scout alone", placed.scout), ("reader alone", placed.reader)):
            rate = size / time_net(net, batch)
            share = f"{2e-12 * rate * count_multiply_adds(net) / limit:.1%}" if limit else "name it with --peak"
            rows.append((name, f"{size:,}", f"{rate:,.0f}", share))
        rate = size / time_wall(partial(placed.classify, batch), GPU_ROUNDS)
        rows.append((f"docproc, copies included, {unsure:.1%} asked twice", f"{size:,}", f"{rate:,.0f}", ""))
    print(render_table(rows) + "\n")


def time_net(net: nn.Module, crops: Crops) -> float:
    """Median seconds of a net on the CUDA device for a batch that is there already."""
    with torch.inference_mode():
        batch = torch.from_numpy(crops).to("cuda")[:, None]

        def run() -> None:
            net((batch.to(torch.bfloat16) / 255).contiguous(memory_format=torch.channels_last))
            torch.cuda.synchronize()

        return time_wall(run, GPU_ROUNDS)


def time_wall(run: Callable[[], object], rounds: int) -> float:
    """Median seconds by the clock on the wall, warmed up."""
    for _ in range(WARM_UP):
        run()
    spent = []
    for _ in range(rounds):
        start = time.perf_counter()
        run()
        spent.append(time.perf_counter() - start)
    return statistics.median(spent)


def print_page(pages: Sequence[Crops], cpu: Classifier, gpu: Classifier, rounds: int) -> None:
    """What one page of usual size waits for its chances, on either device."""
    page = sorted(pages, key=len)[len(pages) // 2]
    slow, fast = (1e3 * time_wall(partial(classifier.classify, page), rounds) for classifier in (cpu, gpu))
    print(f"one page of {len(page)} crops: {slow:.2f} ms on one thread of the CPU, {fast:.2f} ms on the CUDA device")


if __name__ == "__main__":
    main()
