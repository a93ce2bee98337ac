"""An exported graph says what the network says, for any number of crops, and tells where it comes from."""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from typer.testing import CliRunner

import docproc
from docproc.apps.cli import app
from docproc.errors import DocprocError, LedgerError, ModelError, UsageError
from docproc.recognize.classifier import SURE, load_nets
from docproc.recognize.net import Cascade, Shape, make_shape
from docproc.train.fit import save
from docproc.train.onnx import export
from docproc.types import Crops, Joint

TEMPERATURES = {"scout": 1.7, "reader": 0.6}
NETS = sorted(TEMPERATURES)


def scribbles(count: int) -> Crops:
    return np.random.default_rng(count).integers(0, 256, (count, 28, 28), dtype=np.uint8)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Weights and card of two small nets whose batch norms and temperatures are not those they began with."""
    torch.manual_seed(0)
    nets = Cascade(make_shape(2, 1, hidden=8), Shape(3, (5,), (7, 4), 6)).train()
    with torch.no_grad():
        for net in (nets.scout, nets.reader):
            for _ in range(20):
                net(torch.from_numpy(scribbles(50))[:, None] / 255)
            net.head[-1].weight *= 10
    return save(nets.eval(), {"temperatures": list(TEMPERATURES.values())}, tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="module")
def exported(model: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, onnxruntime.InferenceSession]:
    """Both nets, as a program without torch opens them."""
    paths = export(model, tmp_path_factory.mktemp("onnx") / "mine.onnx", "both")
    assert [path.name for path in paths] == ["mine-scout.onnx", "mine-reader.onnx"]
    assert sorted(paths[0].parent.iterdir()) == sorted(paths)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    scout, reader = (onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"]) for path in paths)
    return {"scout": scout, "reader": reader}


def ask_torch(model: Path, name: str, crops: Crops) -> Joint:
    net = getattr(load_nets(model)[0], name)
    with torch.inference_mode():
        scores = net(torch.from_numpy(crops)[:, None] / 255).flatten(1) / TEMPERATURES[name]
        return torch.softmax(scores, 1).view(-1, 2, 11).numpy()


@pytest.mark.parametrize("count", [0, 1, 2, 7, 300])
@pytest.mark.parametrize("name", NETS)
def test_graph_gives_the_chances_that_torch_gives(
    model: Path, exported: dict[str, onnxruntime.InferenceSession], name: str, count: int
) -> None:
    crops = scribbles(count)
    (chances,) = exported[name].run(["chances"], {"crops": crops})
    assert chances.dtype == np.float32
    assert chances.shape == (count, 2, 11)
    assert np.abs(chances - ask_torch(model, name, crops)).max(initial=0) < 1e-4
    assert chances.sum((1, 2)) == pytest.approx(np.ones(count), abs=1e-5)


def test_graphs_of_the_two_nets_differ(exported: dict[str, onnxruntime.InferenceSession]) -> None:
    scouted, read = (exported[name].run(None, {"crops": scribbles(50)})[0] for name in ("scout", "reader"))
    assert np.abs(scouted - read).max() > 0.01


@pytest.mark.parametrize("name", NETS)
def test_file_tells_where_it_comes_from(
    model: Path, exported: dict[str, onnxruntime.InferenceSession], name: str
) -> None:
    facts = exported[name].get_modelmeta().custom_metadata_map
    assert facts["sha256"] == hashlib.sha256(model.read_bytes()).hexdigest()
    assert facts["version"] == docproc.__version__
    assert facts["net"] == name
    assert float(facts["temperature"]) == TEMPERATURES[name]
    assert float(facts["sure"]) == SURE
    assert facts["styles"] == "american,european"
    assert facts["classes"] == "0,1,2,3,4,5,6,7,8,9,none"


def test_export_without_its_extra_says_what_to_install(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    with pytest.raises(UsageError, match=r"pip install 'docproc\[onnx\]'"):
        export(model, tmp_path / "x.onnx", "reader")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("failure", [ModelError, LedgerError])
def test_export_that_cannot_be_done_says_what_to_do(model: Path, tmp_path: Path, failure: type[DocprocError]) -> None:
    given = tmp_path / "no.safetensors" if failure is ModelError else model
    with pytest.raises(failure, match="choose another"):
        export(given, tmp_path / "no folder" / "x.onnx", "scout")


def test_command_exports_the_large_net_unless_told_otherwise(model: Path, tmp_path: Path) -> None:
    out = tmp_path / "x.onnx"
    wish = ["models", "export", "--out", str(out), "--model", str(model)]
    assert CliRunner().invoke(app, wish).exit_code == 2
    ended = CliRunner().invoke(app, [*wish, "--onnx"])
    assert (ended.exit_code, ended.stdout) == (0, f"{out}\n")
    session = onnxruntime.InferenceSession(out, providers=["CPUExecutionProvider"])
    assert session.get_modelmeta().custom_metadata_map["net"] == "reader"


def test_command_shows_the_card(model: Path) -> None:
    ended = CliRunner().invoke(app, ["models", "show", "--model", str(model)])
    assert ended.exit_code == 0
    card = json.loads(model.with_suffix(".json").read_text(encoding="utf-8"))
    nets, _, _ = load_nets(model)
    for text in (
        card["sha256"],
        card["made"],
        card["held_out"],
        f"{model.stat().st_size:,} bytes",
        "3 | 5 | 7 4 | 6",
        f"{sum(weight.numel() for weight in nets.reader.parameters()):,}",
        "0.600",
        "log odds of a right value: posterior 1, least 0",
        "least confidence for an expected error: not measured",
    ):
        assert text in ended.stdout
