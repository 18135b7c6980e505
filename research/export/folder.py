"""A finished run as a folder to share: weights, configuration, lyrics encoder, model card, ONNX.

artists.txt          whom the model learned from, where the run recorded it
config.json          model, front-end, labels, corpus, calibration, which songs of its corpus were tested
model.safetensors    weights
lyrics/              the lyrics encoder and its tokenizer, if the model uses lyrics
mel_filters.npy      the mel filter bank (n_mels, bins), for use without this library; not for frozen encoders
model.onnx           the whole model, see research.export.onnx_model
README.md            model card
"""

import json
import shutil
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch

from research.atomic import replacing
from research.export.model_card import model_card
from research.export.onnx_model import WholeModel, example_inputs, parameter_of, save_onnx
from research.features.audio import mel_filters
from research.inference import MoodPredictor
from research.inference.calibrated import KEY, TEST_SONGS
from research.inference.predictor import EXPORTED_LYRICS
from research.runs import ARTISTS, RunFolder

KEPT = (
    *("name", "labels", "tags", "corpus", "protocol", "fold", "n_folds", "seed", "selected_on", "commit"),
    *("met_labels", "environment", "inputs"),
)
"""What config.json keeps of the run's."""
SONGS_AT_ONCE = 25
ONNX_TOLERANCE = 1e-4
"""Largest difference of logits from torch's: float32 sums in another order."""


def export_run(run: RunFolder, out: Path, *, onnx: bool = True) -> None:
    """Write the folder, whole or not at all.

    Raises:
        FileNotFoundError: the run is not finished.
        ValueError: `out` exists, the run is of no classifier, or ONNX is asked for and cannot be had.
    """
    if out.exists():
        raise ValueError(f"{out} exists; give a new folder")
    if not run.finished:
        raise FileNotFoundError(f"{run.path} is not finished: it has no predictions.parquet; finish the run first")
    predictor = MoodPredictor(run)
    out.parent.mkdir(parents=True, exist_ok=True)
    with replacing(out) as folder:
        folder.mkdir()
        shutil.copyfile(run.weights, folder / run.weights.name)
        if (run.path / ARTISTS).is_file():  # earlier runs do not record them
            shutil.copyfile(run.path / ARTISTS, folder / ARTISTS)
        _write_parts(predictor, folder, onnx)


def onnx_difference(predictor: MoodPredictor, path: Path, *, songs: int, seed: int) -> float:
    """Largest difference of logits between onnxruntime and torch, on random songs of which some lack a side.

    Raises:
        ValueError: onnxruntime is not installed.
    """
    try:
        import onnxruntime
    except ModuleNotFoundError as error:
        raise ValueError('onnxruntime is missing: pip install -c constraints.txt -e ".[export]"') from error
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    frozen = predictor.reader.frozen if predictor.reader else None
    whole = WholeModel(predictor.model, frozen).eval()
    generator, worst = np.random.default_rng(seed), 0.0
    for start in range(0, songs, SONGS_AT_ONCE):
        given = _random_songs(predictor, generator, min(SONGS_AT_ONCE, songs - start))
        with torch.inference_mode():
            expected = whole(**{parameter_of(name): value for name, value in given.items()})
        (found,) = session.run(None, {name: value.numpy() for name, value in given.items()})
        worst = max(worst, float(np.abs(found - expected.numpy()).max()))
    return worst


def _write_parts(predictor: MoodPredictor, folder: Path, onnx: bool) -> None:
    (folder / "config.json").write_text(json.dumps(_config(predictor), indent=1), encoding="utf-8")
    if predictor.reader is not None:
        _save_words_encoder(predictor, folder / EXPORTED_LYRICS)
    if predictor.model.audio is not None:
        np.save(folder / "mel_filters.npy", mel_filters(predictor.inputs.mel))
    difference = None
    if onnx:
        frozen = predictor.reader.frozen if predictor.reader else None
        save_onnx(predictor.model, predictor.inputs, frozen, folder / "model.onnx")
        difference = onnx_difference(predictor, folder / "model.onnx", songs=24, seed=0)
        if difference > ONNX_TOLERANCE:
            raise ValueError(f"model.onnx differs from torch by {difference:.1e}; export with --no-onnx and report it")
    (folder / "README.md").write_text(model_card(predictor, onnx_difference=difference), encoding="utf-8")


def _random_songs(predictor: MoodPredictor, generator: np.random.Generator, songs: int) -> dict[str, torch.Tensor]:
    """Inputs of random size and content; where there are two sides every third song lacks sound, every third words."""
    both = predictor.config.audio is not None and predictor.config.lyrics is not None
    lacks = np.arange(songs) % 3 if both else np.zeros(songs, dtype=int)
    given = example_inputs(predictor.model, predictor.inputs)
    for name, value in given.items():
        if name == "mel":
            shape = (songs, int(generator.integers(1, 4)), *value.shape[2:])
            given[name] = torch.from_numpy(generator.normal(-30, 15, shape).astype(np.float32))
        elif name == "audio_vectors":
            given[name] = torch.from_numpy(generator.normal(0, 1, (songs, value.shape[1])).astype(np.float32))
        elif name.startswith("has_"):
            given[name] = torch.from_numpy(lacks != (1 if name == "has_audio" else 2))
    if "input_ids" in given:
        ids = generator.integers(1_000, 20_000, (songs, int(generator.integers(1, 3)), int(generator.integers(2, 60))))
        mask = np.ones_like(ids)
        for row, length in enumerate(generator.integers(1, ids.shape[2] + 1, songs)):
            mask[row, -1, length:] = 0
        given["input_ids"], given["attention_mask"] = torch.from_numpy(ids), torch.from_numpy(mask)
    return given


def _config(predictor: MoodPredictor) -> dict:
    config = predictor.run.config
    model = dict(config["model"])
    if model["lyrics"] is not None:
        model["lyrics"] = {**model["lyrics"], "model": EXPORTED_LYRICS}
    return {
        **{key: config[key] for key in KEPT if key in config},
        "model": model,
        KEY: asdict(predictor.calibrated),
        TEST_SONGS: predictor.test_songs,
    }


def _save_words_encoder(predictor: MoodPredictor, folder: Path) -> None:
    """The encoder with its weights where it is frozen; where it learned they are in model.safetensors."""
    frozen = predictor.reader.frozen
    if frozen is not None:
        frozen.encoder.bert.save_pretrained(folder)
    else:
        predictor.model.lyrics.bert.config.save_pretrained(folder)
    predictor.reader.tokenizer.save_pretrained(folder)
