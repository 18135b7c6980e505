"""Small finished runs to use."""

from dataclasses import replace

import pytest

from research.runs import RunFolder

TAGS = ("calm", "sad")
"""One is also a mood's name, as all four moods of qaed4 are."""


@pytest.fixture(scope="session")
def trained(small_table, small_inputs, tiny_bert, tmp_path_factory):
    """A late-fusion model with a frozen words' encoder after one epoch, and the songs it was trained on."""
    return _train(small_table, small_inputs, tiny_bert, tmp_path_factory.mktemp("runs"), 0)


@pytest.fixture(scope="session")
def fine_tuned(small_table, small_inputs, tiny_bert, tmp_path_factory):
    """The same with a words' encoder that learned."""
    return _train(small_table, small_inputs, tiny_bert, tmp_path_factory.mktemp("runs"), None)


@pytest.fixture(scope="session")
def predictor(trained):
    """Of `trained`; read only."""
    from research.inference import MoodPredictor

    return MoodPredictor(trained[0])


@pytest.fixture(scope="session")
def trained_tags(small_table, small_inputs, tiny_bert, tmp_path_factory):
    """The same, of moods and tags."""
    return _train(small_table, small_inputs, tiny_bert, tmp_path_factory.mktemp("runs"), 0, task="moods+tags")


def _train(table, inputs, bert, folder, trainable_layers, task="moods"):
    from research.data.songs import with_labels
    from research.labels import label_space
    from research.models.audio import AudioConfig
    from research.models.classifier import ModelConfig
    from research.models.lyrics import LyricsConfig
    from research.splits.folds import official_split
    from research.training.config import TrainConfig
    from research.trials import Trial, load_corpus, run_trial

    lyrics = LyricsConfig(model=str(bert), trainable_layers=trainable_layers)
    model = ModelConfig(audio=AudioConfig(), lyrics=lyrics, dim=8)
    songs = load_corpus(table, inputs, model)
    if task != "moods":
        of_split = songs.tracks.frame.groupby("split").cumcount()  # so that no split's songs all have the same tag
        frame = songs.tracks.frame.assign(tags=[[TAGS[number % 2]] for number in of_split])
        songs = replace(
            songs, tracks=replace(songs.tracks, frame=frame, corpus=replace(songs.tracks.corpus, tags=TAGS))
        )
    songs = with_labels(songs, label_space(songs.tracks, task, min_songs=1))
    train = TrainConfig(epochs=1, precision="fp32", select_by="loss")
    split = official_split(songs.tracks)
    run_trial(songs, Trial(name="fusion", model=model, train=train, split=split, n_folds=1, folder=folder / "fusion"))
    return RunFolder.load(folder / "fusion"), songs
