"""Each experiment end to end on the small corpus, and what its question turns on."""

import json
import shutil
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.special import log_softmax
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from experiments import (
    data_size,
    encoders,
    ensemble,
    finetuning,
    fusions,
    missing_lyrics,
    protocol,
    regularisation,
    transfer,
)
from experiments.grid import STEADY, Grid, grid_splits, run_grid
from research import trials
from research.data.songs import Songs
from research.evaluation.calibration import fit_temperature
from research.models.audio import AudioConfig
from research.models.classifier import ModelConfig
from research.models.lyrics import LyricsConfig
from research.runs import RunFolder
from research.splits.folds import make_splits
from research.tracks import read_tracks, write_tracks
from research.trials import Trial, load_corpus


@pytest.fixture
def grid(small_table, small_inputs, tmp_path, monkeypatch) -> Grid:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WANDB_MODE", "disabled")
    return Grid(tracks=small_table, out=Path("runs/question"), folds=2, seeds=1, figures=False, inputs=small_inputs)


@pytest.fixture
def model(tiny_bert) -> ModelConfig:
    words = LyricsConfig(model=str(tiny_bert), trainable_layers=0)
    return ModelConfig(audio=AudioConfig(frozen=("statistics",)), lyrics=words, dim=8)


TRAIN = replace(STEADY, epochs=2)


def names(grid: Grid) -> set[str]:
    return {folder.name.split("-artist")[0].split("-fold")[0] for folder in grid.out.iterdir()}


def answers(folder: Path, split: str = "test") -> pd.DataFrame:
    frame = pd.read_parquet(folder / "predictions.parquet")
    return frame[frame["split"] == split].sort_values("track_id", ignore_index=True)


def test_encoders(grid, model):
    encoders.main(encoders.Config(grid=grid, sound=("statistics",), words=replace(model, audio=None), train=TRAIN))
    assert names(grid) == {"statistics", "words-mean", "words-cls", "words-lines"}
    assert (grid.reports / "report.html").is_file()


def test_fusions(grid, model):
    fusions.main(fusions.Config(grid=grid, model=model, train=TRAIN))
    assert names(grid) == {"audio", "lyrics", *fusions.JOINS}
    assert (grid.reports / "comparison.md").is_file()


def test_regularisation_of_frozen_sides_masks_no_spectrogram(grid, model, monkeypatch):
    config = regularisation.Config(grid=grid, model=model, train=TRAIN)
    found = regularisation.variants(model, TRAIN)
    assert {"masks", "gain", "drop-words", "altered"}.isdisjoint(found)
    assert "pieces" in found
    learned = regularisation.variants(replace(model, audio=AudioConfig()), TRAIN, altered_copies=2)
    assert {"masks", "gain"} < set(learned)
    assert "pieces" not in learned
    assert learned["altered"][1].augmentation.altered > 0
    few = {name: found[name] for name in (regularisation.REFERENCE, "pieces")}  # each costs seconds
    monkeypatch.setattr(regularisation, "variants", lambda model, train, altered_copies: few)
    regularisation.main(config)
    assert names(grid) == set(few)


def test_protocol_tells_what_each_liberty_adds(grid, model):
    protocol.main(protocol.Config(grid=grid, model=model, train=replace(TRAIN, select_by="macro_f1")))
    text = (grid.reports / "protocol.md").read_text()
    assert all(told in text for told in ("artists on both sides", "epoch picked on test songs", "both"))
    picked = answers(grid.out / "test-picked-artist-fold0-seed0", "valid")
    pd.testing.assert_series_equal(picked["track_id"], answers(grid.out / "test-picked-artist-fold0-seed0")["track_id"])


def test_a_song_without_words_is_answered_as_if_it_never_had_any(grid, model, monkeypatch):
    monkeypatch.setattr(missing_lyrics, "GONE", (1.0,))
    foreign = Path("foreign")
    foreign.mkdir()
    (foreign / "un.txt").write_text("la pluie tombe sur la ville")
    missing_lyrics.main(missing_lyrics.Config(grid=grid, model=model, train=TRAIN, foreign=foreign))
    whole, gone, wrong, other = (
        answers(grid.out / f"{name}-fold0-seed0")
        for name in ("fusion-artist", "fusion-100%-gone", "fusion-wrong-words", "fusion-foreign-words")
    )
    songs = load_corpus(grid.tracks, grid.inputs, model)
    read = dict(zip(songs.tracks.frame["track_id"], songs.has_lyrics, strict=True))
    had_words = whole["track_id"].map(read).to_numpy()
    same = np.isclose(np.stack(whole["logits"]), np.stack(gone["logits"]), atol=1e-4).all(axis=1)
    assert same[~had_words].all()
    assert not same[had_words].any()
    for changed in (wrong, other):
        pd.testing.assert_series_equal(changed["track_id"], whole["track_id"])
        assert not np.allclose(np.stack(changed["logits"]), np.stack(whole["logits"]))
    warned = json.loads((grid.out / "warned-artist-fold0-seed0" / "config.json").read_text())["train"]["augmentation"]
    assert warned == asdict(TRAIN.augmentation) | missing_lyrics.WARNED
    asked = {name.removeprefix("warned-") for name in names(grid) if name.startswith("warned-")}
    assert asked == {"100%-gone", "wrong-words", "foreign-words"}


def test_wrong_words_are_never_an_artists_own(small_songs):
    changed = missing_lyrics.wrong_words(small_songs, np.random.default_rng(0))
    artists = np.array(small_songs.tracks.artist_keys, dtype=object)
    own = {artist: {tuple(small_songs.tokens[row]) for row in np.flatnonzero(artists == artist)} for artist in artists}
    for row in np.flatnonzero(small_songs.has_lyrics):
        assert tuple(changed.tokens[row]) not in own[artists[row]]
    assert changed.has_lyrics.tolist() == small_songs.has_lyrics.tolist()


def test_smaller_parts_lie_within_larger_ones_and_keep_artists_whole(small_table):
    tracks = read_tracks(small_table)
    split = make_splits(tracks, "artist", 2, seed=0)[0]
    half, whole = (data_size.part_of(split, tracks, share) for share in (0.5, 1.0))
    assert set(half.train) < set(whole.train) == set(split.train)
    assert len(half.train) == round(0.5 * len(split.train))
    np.testing.assert_array_equal(half.test, split.test)
    artists = np.array(tracks.artist_keys, dtype=object)
    cut = {*artists[half.train]} & {*artists[np.setdiff1d(split.train, half.train)]}
    assert len(cut) <= 1  # only the artist at whom the share is met


def test_data_size_draws_its_curve(grid, model):
    data_size.main(data_size.Config(grid=grid, shares=(0.5, 1.0), model=model, train=TRAIN))
    assert names(grid) == {"50.0%", "100.0%"}
    assert (grid.reports / "data_size.png").stat().st_size > 5_000
    for split in make_splits(read_tracks(grid.tracks), "artist", grid.folds, seed=0):
        for share, taught in ((50, round(0.5 * len(split.train))), (100, len(split.train))):
            folder = grid.out / f"{share}.0%-artist-fold{split.fold}-seed0"
            assert json.loads((folder / "result.json").read_text())["train_songs"] == taught


def test_an_ensemble_multiplies_calibrated_answers_of_one_seed(grid, model):
    grid = replace(grid, seeds=2)
    songs = load_corpus(grid.tracks, grid.inputs, model)
    kinds = {"audio": replace(model, lyrics=None), "experts": model, "other": replace(model, fusion="concat")}
    run_grid(grid, songs, grid_splits(grid, songs), {name: (kind, TRAIN) for name, kind in kinds.items()})
    for fold in (0, 1):  # as a classical baseline, which is fitted once
        shutil.rmtree(grid.out / f"audio-artist-fold{fold}-seed1")
    out = Path("runs/ensemble")
    config = ensemble.Config(runs=(grid.out,), members=("audio", "experts"), out=out, figures=False)
    ensemble.main(config)
    ensemble.main(replace(config, join_seeds=True))

    def calibrated(name: str, seed: int) -> np.ndarray:
        folder = grid.out / f"{name}-artist-fold1-seed{seed}"
        valid = answers(folder, "valid")
        temperature = fit_temperature(np.stack(valid["logits"]), valid["target"].to_numpy())
        return log_softmax(np.stack(answers(folder)["logits"]) / temperature, axis=1)

    audio, experts = calibrated("audio", 0), [calibrated("experts", seed) for seed in (0, 1)]
    for folder, expected in (
        ("ensemble-artist-fold1-seed0", (audio + experts[0]) / 2),
        ("ensemble-artist-fold1-seed1", (audio + experts[1]) / 2),
        ("joined-artist-fold1-seed0", (audio + np.mean(experts, axis=0)) / 2),
    ):
        found = np.stack(answers(out / folder)["logits"])
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)  # kept as float32
    config_of = RunFolder.load(out / "ensemble-artist-fold1-seed1").config
    assert config_of["in_every_seed"] == ["audio"]
    assert [Path(member).name for member in config_of["members"]] == [
        "audio-artist-fold1-seed0",
        "experts-artist-fold1-seed1",
    ]
    table = (Path("reports/ensemble") / "comparison.md").read_text()
    assert "| ensemble | artist | 45 | 2 |" in table
    assert "| ensemble, seeds joined \N{DAGGER} | artist | 45 | 1 |" in table
    assert "the one seed of audio is in each of them" in table
    with pytest.raises(ValueError, match="no finished run of nobody"):
        ensemble.main(replace(config, members=("nobody",)))


def test_members_are_joined_by_the_seeds_they_share(tmp_path):
    def runs(**seeds: list[int]) -> list[RunFolder]:
        return [
            RunFolder(tmp_path / f"{name}{seed}", {"name": name, "seed": seed})
            for name, found in seeds.items()
            for seed in found
        ]

    def joined(**seeds: list[int]) -> dict[int, list[str]]:
        return {seed: [run.path.name for run in found] for seed, found in ensemble.runs_by_seed(runs(**seeds)).items()}

    assert joined(a=[0, 1, 2], b=[1, 2, 3], c=[7]) == {1: ["a1", "b1", "c7"], 2: ["a2", "b2", "c7"]}
    assert joined(a=[5], c=[7]) == {5: ["a5", "c7"]}
    assert ensemble.members_in_every_seed(runs(a=[0, 1], c=[7])) == ["c"]
    assert ensemble.members_in_every_seed(runs(a=[5], c=[7])) == []
    with pytest.raises(ValueError, match="a, b share no seed; train them with the same ones"):
        joined(a=[0, 1], b=[2, 3], c=[0])


def test_an_ensemble_is_the_same_in_every_fold_and_as_flattered_as_its_members(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(ensemble, "report", lambda *_, draw: None)

    def run(name: str, fold: int, **said) -> RunFolder:
        config = {"name": name, "protocol": "artist", "fold": fold, "n_folds": 2, "seed": 0, "labels": ["a", "b"]}
        corpus = {"name": "toy", "synthetic": True, "citation": "none", "fingerprint": "ab12"}
        opened = RunFolder.open(Path("runs/toy") / f"{name}-fold{fold}", {**config, "corpus": corpus, **said})
        frame = pd.DataFrame({"track_id": [f"t{fold}{n}" for n in range(4)], "artist": list("wxyz")})
        frame = frame.assign(target=[0, 1] * 2, logits=[[1.0, 0.0], [0.5, 0.0]] * 2)
        # As where the epoch was picked on test songs, both parts are the same: no temperature may be fitted to them.
        opened.finish(pd.concat([frame.assign(split=part, fold=fold, seed=0) for part in ("valid", "test")]), {})
        return opened

    for name, fold in (("sound", 0), ("words", 0), ("sound", 1)):
        run(name, fold, selected_on="test", met_labels=["musicnn-msd"] if name == "sound" else [])
    config = ensemble.Config(runs=(Path("runs/toy"),), out=Path("runs/ensemble"))
    with pytest.raises(ValueError, match="artist fold 1 lacks finished runs of words seed 0, so folds would be"):
        ensemble.main(config)
    run("words", 1, selected_on="test")
    ensemble.main(config)
    found = RunFolder.load(config.out / "ensemble-artist-fold1-seed0")
    assert (found.config["selected_on"], found.config["met_labels"]) == ("test", ["musicnn-msd"])
    logits = np.stack(answers(found.path)["logits"])
    np.testing.assert_allclose(logits, log_softmax([[1.0, 0.0], [0.5, 0.0]] * 2, axis=1), atol=1e-6)  # float32
    run("words", 2, tags=["calm"])
    with pytest.raises(ValueError, match="words-fold2 learned tags; name members that learned moods alone"):
        ensemble.main(config)


def test_a_teacher_never_hears_an_artist_of_the_corpus(small_table):
    tracks = read_tracks(small_table)
    split = make_splits(tracks, "artist", 2, seed=0)[0]
    some = split.train[:5]
    kept = transfer.without_artists(split, tracks, replace(tracks, frame=tracks.frame.iloc[some]))
    artists = np.array(tracks.artist_keys, dtype=object)
    assert set(kept.train) == {row for row in split.train if artists[row] not in {*artists[some]}}
    np.testing.assert_array_equal(kept.test, split.test)  # folds are artist-disjoint already
    with pytest.raises(ValueError, match="no song is left for test; take another teacher"):
        transfer.without_artists(split, tracks, replace(tracks, frame=tracks.frame.iloc[split.test]))


def test_transfer_reads_the_answers_of_a_model_of_other_songs(grid, model, monkeypatch):
    copy = Path("others")
    shutil.copytree(grid.tracks.parent, copy)
    tracks = read_tracks(copy / "tracks.parquet")
    artists = tracks.frame["artist"]
    shared = artists.isin(artists.unique()[:5])
    renamed = artists.where(shared, "Another " + artists)
    others = write_tracks(copy / "tracks.parquet", tracks.frame.assign(artist=renamed), tracks.corpus)
    taught, answered = [], []

    def run_trial(songs: Songs, trial: Trial) -> None:
        taught.append(np.concatenate([trial.split.train, trial.split.valid]))
        trials.run_trial(songs, trial)

    def teacher_answers(config: transfer.Config, songs: Songs) -> np.ndarray:
        answered.append(ask_teacher(config, songs))
        return answered[-1]

    ask_teacher = transfer.teacher_answers
    monkeypatch.setattr(transfer, "run_trial", run_trial)
    monkeypatch.setattr(transfer, "teacher_answers", teacher_answers)
    transfer.main(transfer.Config(grid=grid, teacher=others.folder / "tracks.parquet", model=model, train=TRAIN))
    assert names(grid) == {"own", "teacher", "both"}
    for rows, split in zip(taught, make_splits(others, "artist", grid.folds, seed=0), strict=True):
        assert shared[split.train].any()  # those there were to leave out
        assert set(rows) == {row for row in [*split.train, *split.valid] if not shared[row]}
    assert RunFolder.load(grid.out / "both-artist-fold0-seed0").config["members"] == [
        str(grid.out / name) for name in ("own-artist-fold0-seed0", "teacher-artist-fold0")
    ]
    (known,) = answered
    own, teacher = (
        np.stack(answers(grid.out / name)["logits"]) for name in ("own-artist-fold0-seed0", "teacher-artist-fold0")
    )
    assert len({own.argmax(1).tobytes(), teacher.argmax(1).tobytes()}) == 2
    moods, split = tracks.frame["mood"].map(tracks.corpus.labels.index), make_splits(tracks, "artist", 2, seed=0)[0]
    scale = StandardScaler().fit(known[split.train])
    student = LogisticRegression(max_iter=1000).fit(scale.transform(known[split.train]), moods[split.train])
    in_order = split.test[np.argsort(tracks.frame["track_id"].to_numpy()[split.test])]
    expected = student.predict_log_proba(scale.transform(known[in_order]))
    np.testing.assert_allclose(teacher, expected, rtol=0, atol=1e-5)  # kept as float32
    assert np.isclose(np.exp(teacher).sum(axis=1), 1, atol=1e-5).all()


def test_finetuning_lets_layers_learn_in_its_ways(grid, model):
    words = replace(model, audio=None, lyrics=replace(model.lyrics, trainable_layers=None))
    config = finetuning.Config(grid=grid, model=words, train=replace(TRAIN, mixup=0.0))
    found = finetuning.variants(config.model, config.train)
    assert [name for name, (one, _) in found.items() if one.lyrics.layer_decay < 1] == [
        "rate-a-layer",
        "layer-by-layer",
    ]
    assert [name for name, (_, train) in found.items() if train.unfreeze_every] == ["layer-by-layer"]
    finetuning.main(config)
    assert names(grid) == set(found)
    learned = {name: json.loads((grid.out / f"{name}-artist-fold0-seed0/result.json").read_text()) for name in found}
    assert learned["frozen"]["trained_parameters"] < learned["one-rate"]["trained_parameters"]
