"""All that docs/extending.md shows is run, as it would stand in the files that it names."""

import hashlib
import importlib
import re
import shlex
import shutil
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd
import pytest
import soundfile
import torch
import tyro

from experiments.grid import STEADY, Grid
from research.data.augmentation import epoch_draws
from research.features.building import build_store
from research.losses.moods import mood_loss
from research.models.audio import AudioConfig
from research.models.classifier import ModelConfig
from research.models.frozen import frozen_encoder
from research.models.fusion import FUSIONS, Join
from research.models.lyrics import LyricsConfig
from research.models.published import FOLDER_VARIABLE, PUBLISHED
from research.tracks import read_tracks

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/extending.md").read_text(encoding="utf-8")
EXAMPLES = {"piano_mood": "data_prep/corpora", "my_tagger": "research/models", "film": "experiments"}
"""Where the page sends each file of docs/examples; its notebook goes nowhere."""


def module_of(path: str) -> str:
    return path.removesuffix(".py").replace("/", ".")


def blocks(kind: str) -> list[tuple[str, str]]:
    """File and code of each block, in the page's order."""
    return re.findall(rf"```{kind}\n# (\S+)\n(.*?)```", PAGE, re.DOTALL)


def patched(source: str, diff: str) -> str:
    for hunk in re.split(r"^@@\n", diff, flags=re.MULTILINE):
        old, new = ("".join(line[1:] for line in hunk.splitlines(True) if line[0] in f" {sign}") for sign in "-+")
        assert source.count(old) == 1, f"this is not in the file any more, or twice:\n{old}"
        source = source.replace(old, new)
    return source


@pytest.fixture(scope="module")
def extended() -> Iterator[dict[str, ModuleType]]:
    """The modules that the page names, with what it adds to each; as they were before once the tests are done."""
    modules = {path: importlib.import_module(module_of(path)) for path, _ in blocks("python")}
    before = {path: dict(vars(module)) for path, module in modules.items()}
    entries = [(kept, dict(kept)) for names in before.values() for kept in names.values() if type(kept) is dict]
    for name, folder in EXAMPLES.items():
        modules[name] = ModuleType(module_of(f"{folder}/{name}"))
        modules[name].__file__ = str(ROOT / f"docs/examples/{name}.py")  # tyro reads help from it
        sys.modules[modules[name].__name__] = modules[name]
        setattr(importlib.import_module(module_of(folder)), name, modules[name])
        exec(compile(Path(modules[name].__file__).read_text("utf-8"), name, "exec"), vars(modules[name]))
    for path, code in blocks("python"):
        exec(compile(code, path, "exec"), vars(modules[path]))
    yield modules
    for name, folder in EXAMPLES.items():
        del sys.modules[modules[name].__name__]
        delattr(importlib.import_module(module_of(folder)), name)
    for path, names in before.items():
        vars(modules[path]).clear()
        vars(modules[path]).update(names)
    for registry, known in entries:
        registry.clear()
        registry.update(known)


@pytest.fixture(scope="module")
def corpus(small_table, tmp_path_factory) -> Path:
    """The small corpus with the vectors that the page's models read."""
    folder = tmp_path_factory.mktemp("page") / "corpus"
    shutil.copytree(small_table.parent, folder)
    tracks = read_tracks(folder / small_table.name)
    build_store(tracks, folder / "embeddings/statistics", frozen_encoder("statistics"), workers=1)
    return folder


@pytest.fixture
def desk(corpus, tmp_path, monkeypatch) -> Path:
    """A folder to work in with that corpus where the embedded one lies."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WANDB_MODE", "disabled")
    shutil.copytree(corpus, tmp_path / "data/synthetic")
    return tmp_path


def test_the_page_is_what_is_run_here():
    named = [path for path, _ in blocks("python") + blocks("diff")]
    assert PAGE.count("```") == 2 * len(named)
    assert all((ROOT / path).is_file() for path in named)
    assert set(re.findall(r"\(examples/(\w+)\.py\)", PAGE)) == {*EXAMPLES, "notebook"}
    assert {path.stem for path in (ROOT / "docs/examples").glob("*.py")} == {*EXAMPLES, "notebook"}


def test_the_corpus(extended, tmp_path):
    (tmp_path / "clips").mkdir()
    for clip in "abcd":
        soundfile.write(tmp_path / f"clips/{clip}.flac", np.full(100, ord(clip) / 200), 8_000)
    ratings = ["Clip;Pianist;Piece;Valence;Arousal", "a;Ann;One;9;7.5", "b;Ann;Two;1;6", "c;Bob;Three;2;1", "d;;;8;2"]
    (tmp_path / "ratings.csv").write_text("\n".join([*ratings, "e;Eve;Lost;5;5"]))
    command = extended["data_prep/commands/published.py"].PUBLISHED["piano_mood"]
    command(source=tmp_path, out=tmp_path / "out").prepare()
    tracks = read_tracks(tmp_path / "out/tracks.parquet")
    assert tracks.frame["mood"].tolist() == ["happy", "angry", "sad", "relaxed"]
    assert pd.read_csv(tmp_path / "out/rejected.csv")["song"].tolist() == ["e"]  # has no clip
    (tmp_path / "ratings.csv").write_text("\n".join([*ratings[:2], "b;Ann;Two;low;6"]))
    with pytest.raises(ValueError, match=r"ratings\.csv:3: valence 'low' is no number"):
        command(source=tmp_path, out=tmp_path / "out").prepare()


def test_the_encoder(extended, desk, monkeypatch):
    network = extended["my_tagger"].MyTagger()
    tagger = torch.nn.ModuleDict({"conv": network.conv, "classifier": torch.nn.Linear(32, 50)})
    torch.save(tagger.state_dict(), desk / "my_tagger.pt")
    content = (desk / "my_tagger.pt").read_bytes()
    told = {"sha256": hashlib.sha256(content).hexdigest(), "n_bytes": len(content)}
    monkeypatch.setitem(PUBLISHED, "my-tagger", replace(PUBLISHED["my-tagger"], **told))
    monkeypatch.setenv(FOLDER_VARIABLE, str(desk))
    monkeypatch.setattr("research.models.precision.cpu_computes_bf16", lambda: False)
    soundfile.write(desk / "song.wav", np.random.default_rng(0).uniform(-0.1, 0.1, 16_000 * 20), 16_000)
    encoder = frozen_encoder("my-tagger")
    vectors = encoder.frames(desk / "song.wav")
    assert vectors.shape == (2, encoder.width) == (2, 32)  # 626 frames: two pieces of 300
    mel = torch.from_numpy(PUBLISHED["my-tagger"].mel.frames(desk / "song.wav")[300:600].T[None].copy())
    with torch.no_grad():  # float32, two pieces side by side or one alone
        np.testing.assert_allclose(vectors[1], network(mel)[0].numpy(), rtol=1e-4, atol=1e-4)


def test_the_fusion_and_the_loss(extended):
    fusion = FUSIONS["film"](8, 3, dropout=0.0)
    assert isinstance(fusion, Join)
    audio, lyrics = torch.randn(2, 4, 8, generator=torch.Generator().manual_seed(0)).unbind()
    here, gone = torch.ones(4, dtype=torch.bool), torch.zeros(4, dtype=torch.bool)
    torch.testing.assert_close(fusion(audio, lyrics, here, gone), fusion.head(audio))
    torch.testing.assert_close(fusion(audio, lyrics, gone, gone), fusion.head.bias.expand(4, 3))
    even = mood_loss("poly1", "none", 0.0, torch.tensor([5, 5, 5]))(torch.zeros(2, 3), torch.tensor([0, 2]))
    assert even.item() == pytest.approx(np.log(3) + 2 / 3, rel=1e-6)


def test_the_augmentation(monkeypatch):
    ((path, diff),) = blocks("diff")
    module = ModuleType(module_of(path))
    monkeypatch.setitem(sys.modules, module.__name__, module)  # where dataclasses look for it
    exec(compile(patched((ROOT / path).read_text("utf-8"), diff), path, "exec"), vars(module))
    draws = module.epoch_draws(0, 3, 5)
    np.testing.assert_array_equal(draws[:, :-1], epoch_draws(0, 3, 5))
    windows = np.zeros((5, 1, 4, 3), dtype=np.float16)
    module.change_spectrograms(windows, draws, module.Augmentation(time_mask=0, mel_mask=0, tilt_db=6.0))
    slopes = 6 * (2 * draws[:, -1] - 1)
    expected = np.broadcast_to(slopes[:, None, None, None] * np.array([-1, 0, 1]), windows.shape)
    np.testing.assert_allclose(windows, expected, rtol=2**-10, atol=0)  # float16


def test_the_metric_and_the_experiment(extended, desk, small_inputs, tiny_bert):
    film = extended["film"]
    words = LyricsConfig(model=str(tiny_bert), trainable_layers=0)
    model = ModelConfig(audio=AudioConfig(frozen=("statistics",)), lyrics=words, dim=8)
    few = {"folds": 2, "seeds": 1, "figures": False, "inputs": small_inputs}
    grid = Grid(tracks=desk / "data/synthetic/tracks.parquet", out=Path("runs/film"), **few)
    film.main(film.Config(grid=grid, model=model, train=replace(STEADY, epochs=2)))
    table = pd.read_csv("reports/film/comparison.csv")
    assert set(table["model"]) == set(film.JOINS)
    assert table["kappa"].between(table["kappa_low"], table["kappa_high"]).all()
    assert "| Cohen's kappa [95 %] |" in Path("reports/film/comparison.md").read_text("utf-8")


def test_the_notebook(desk, capsys):
    notebook = ROOT / "docs/examples/notebook.py"
    names: dict = {}
    exec(compile(notebook.read_text("utf-8"), str(notebook), "exec"), names)
    assert {score.name for score in names["scores"]} == {"slow", "quick"}
    shown = capsys.readouterr().out
    assert "artist fold 1: 0 of" in shown
    assert shown.count("Interval(estimate=") == 6


@pytest.mark.parametrize("command", re.findall(r"`[^`]*python (experiments/[^`]*)`", PAGE))
def test_commands_are_understood(extended, command):
    script, *args = shlex.split(command)
    module = extended.get(Path(script).stem) or importlib.import_module(module_of(script))
    if "--train.augmentation.tilt-db" in args:  # there once the file is changed
        args[args.index("--train.augmentation.tilt-db")] = "--train.augmentation.gain-db"
    tyro.cli(module.Config, args=args, config=(tyro.conf.AvoidSubcommands,))
