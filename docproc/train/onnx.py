"""Trained networks → ONNX files, for programs that have no torch."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import torch
from torch import Tensor, nn

from docproc import __version__
from docproc.errors import LedgerError, ModelError, UsageError
from docproc.recognize.classifier import SURE, find_weights, load, load_nets
from docproc.recognize.net import CLASSES, Cascade, Net
from docproc.train.fit import show_bar
from docproc.types import STYLES

if TYPE_CHECKING:
    from onnx import ModelProto

Which = Literal["scout", "reader", "both"]
NEEDED = ("onnx", "onnxscript")


class Chances(nn.Module):
    """A net with all that stands around it in docproc: grey levels in, calibrated chances out."""

    def __init__(self, net: Net, temperature: float) -> None:
        super().__init__()
        self.net = net
        self.temperature = temperature

    def forward(self, crops: Tensor) -> Tensor:
        """uint8[n, 28, 28] → float32[n, 2, 11]."""
        scores: Tensor = self.net(crops[:, None].float() / 255)
        return torch.softmax(scores.flatten(1) / self.temperature, 1).view(-1, len(STYLES), CLASSES)


def export(model: Path | None, out: Path, which: Which) -> tuple[Path, ...]:
    """Write a net of a model (None: of the shipped one) to `out`, or both nets to two files named after it.

    A graph takes `crops`, uint8[n, 28, 28] with any n, and gives `chances`, float32[n, 2, 11] in float32 arithmetic.
    The metadata name the net, the weights by their sha256, docproc's version, and from what chance on the scout's word
    is taken. Raises UsageError without the extra, ModelError, LedgerError where a file cannot be written.
    """
    require_onnx()
    weights = find_weights(model)
    nets, card, _ = load_nets(weights)
    temperatures = dict(zip(("scout", "reader"), load(weights, "cpu").temperatures, strict=True))
    names = tuple(temperatures) if which == "both" else (which,)
    paths = tuple(out.with_name(f"{out.stem}-{name}{out.suffix}") if which == "both" else out for name in names)
    with show_bar() as bar:
        for name, path in bar.track(list(zip(names, paths, strict=True)), description="exporting"):
            facts = {"net": name, "sha256": str(card["sha256"]), "temperature": str(temperatures[name])}
            write(convert(nets, name, temperatures[name]), facts, path)
    return paths


def require_onnx() -> None:
    """UsageError where nothing can be exported."""
    if any(find_spec(name) is None for name in NEEDED):
        raise UsageError(f"an export needs {' and '.join(NEEDED)}: pip install 'docproc[onnx]'")


def convert(nets: Cascade, name: str, temperature: float) -> ModelProto:
    """One of the nets as a graph, batch norm folded into the convolutions."""
    graph = Chances(getattr(nets, name), temperature).eval()
    # An example of two: torch takes sizes 0 and 1 for constants.
    example = torch.zeros((2, 28, 28), dtype=torch.uint8)
    size = torch.export.Dim("n")
    with hush_exporter():
        program = torch.onnx.export(
            graph,
            (example,),
            dynamo=True,
            verbose=False,
            input_names=["crops"],
            output_names=["chances"],
            dynamic_shapes={"crops": {0: size}},
        )
    if program is None:
        raise ModelError("torch returned no graph; install the versions of constraints.txt and run again")
    return program.model_proto


@contextmanager
def hush_exporter() -> Iterator[None]:
    """Keep quiet what torch says of its own insides, which nobody who exports can change."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)  # or it reports that torchvision, whose operators no net of ours has, is not there
    try:
        with warnings.catch_warnings():
            # torch 2.13 calls what it has itself deprecated.
            warnings.filterwarnings("ignore", r"`isinstance\(treespec, LeafSpec\)` is deprecated", FutureWarning)
            yield
    finally:
        logger.setLevel(level)


def write(graph: ModelProto, facts: dict[str, str], path: Path) -> None:
    """Write a graph with its metadata, whole or not at all."""
    import onnx

    classes = ",".join([*map(str, range(CLASSES - 1)), "none"])
    known = {"version": __version__, "sure": str(SURE), "styles": ",".join(STYLES), "classes": classes}
    onnx.helper.set_model_props(graph, {**known, **facts})
    onnx.checker.check_model(graph, full_check=True)
    part = path.with_name(f"{path.name}.part")
    try:
        part.write_bytes(graph.SerializeToString())
        part.replace(path)
    except OSError as error:
        raise LedgerError(f"cannot write {path}: {error.strerror or error}; choose another --out") from error
