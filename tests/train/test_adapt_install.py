"""The models of a site: switched whole or not at all, and one step back."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from docproc.errors import LedgerError, ModelError
from docproc.recognize.classifier import find_weights, load
from docproc.recognize.models import load_models
from docproc.recognize.net import Cascade, make_shape
from docproc.train.adapt_install import find_model, go_back, install
from docproc.train.fit import save

pytestmark = pytest.mark.skipif(not find_weights(None).is_file(), reason="no trained weights yet")


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    """A small untrained model."""
    (tmp_path / "new").mkdir()
    return save(Cascade(make_shape(2, 1), make_shape(4, 1)), {}, tmp_path / "new")


def test_the_first_model_is_the_shipped_one_and_one_step_back(weights: Path, tmp_path: Path) -> None:
    site = tmp_path / "site"
    assert find_model(site) is None
    assert install(weights, site) == site / "1" / "digits.safetensors"
    assert find_model(site) == site
    assert find_weights(site) == site / "1" / "digits.safetensors"
    assert load(site, "cpu").digest == load(site / "1" / "digits.safetensors", "cpu").digest
    assert load_models(site, "cpu").line_reader.digest == load_models(None, "cpu").line_reader.digest
    assert go_back(site) == (1, 0)
    assert load_models(site, "cpu").digest == load_models(None, "cpu").digest
    with pytest.raises(ModelError, match="began with; there is none before it"):
        go_back(site)
    assert install(weights, site) == site / "2" / "digits.safetensors"
    assert go_back(site) == (2, 0)
    assert sorted(path.name for path in site.iterdir()) == ["0", "1", "2", "current"]


def test_a_trained_model_in_the_folder_is_what_the_site_begins_with(weights: Path, tmp_path: Path) -> None:
    site = weights.parent
    before = load(site, "cpu").digest
    (tmp_path / "other").mkdir()
    other = save(Cascade(make_shape(3, 1), make_shape(4, 1)), {}, tmp_path / "other")
    install(other, site)
    assert load(site, "cpu").digest != before
    assert go_back(site) == (1, 0)
    assert load(site, "cpu").digest == before


def test_a_model_that_cannot_be_used_is_not_switched_to(weights: Path, tmp_path: Path) -> None:
    site = tmp_path / "site"
    install(weights, site)
    card = json.loads(weights.with_suffix(".json").read_text("utf-8"))
    weights.with_suffix(".json").write_text(json.dumps({**card, "sha256": "0" * 64}), "utf-8")
    with pytest.raises(ModelError, match="does not match its card"):
        install(weights, site)
    assert find_weights(site).parent.name == "1"
    (site / "0" / "digits.safetensors").unlink()
    with pytest.raises(ModelError, match="cannot load"):
        go_back(site)
    assert find_weights(site).parent.name == "1"


@pytest.mark.parametrize("named", ["../other", "", "1 2", "-1", "12345678", "one", "\u0661"])
def test_a_folder_that_names_no_model_is_refused(tmp_path: Path, named: str) -> None:
    (tmp_path / "current").write_text(named, "utf-8")
    with pytest.raises(ModelError, match=r"names no model|cannot read"):
        find_weights(tmp_path)


def test_what_is_no_folder_is_refused(weights: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="is a file; name a folder"):
        find_model(weights)
    with pytest.raises(ModelError, match="no former model"):
        go_back(tmp_path / "nowhere")
    with pytest.raises(LedgerError, match="cannot put a model into"):
        install(weights, weights / "below")
