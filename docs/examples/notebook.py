"""The library without its programs: load a corpus, split it, train, read the answers, score them with intervals."""

# %% A corpus as arrays, in the order of its table
from pathlib import Path

import pandas as pd

from research.data.songs import InputConfig
from research.evaluation.statistics import artist_bootstrap, artist_confusions
from research.metrics.moods import confusion_balanced_accuracy
from research.models.audio import AudioConfig
from research.models.classifier import ModelConfig
from research.reports.comparisons import compare_models
from research.reports.predictions import find_runs, read_runs
from research.reports.scores import score_models
from research.splits.folds import leakage, make_splits
from research.training.config import TrainConfig
from research.trials import Trial, load_corpus, load_model, run_trial

model = ModelConfig(audio=AudioConfig(frozen=("statistics",)), lyrics=None)
songs = load_corpus(Path("data/synthetic/tracks.parquet"), InputConfig(), model)
print(songs.tracks.frame.head(), songs.audio_vectors.shape, songs.targets[:5], songs.space.moods)

# %% Splits hold rows of that table; a trial is a model on one of them, and ends in a run folder
trials = []
for split in make_splits(songs.tracks, "artist", n_folds=2, seed=0):
    print(leakage(songs.tracks, split, songs.digests).summary())
    for name, rate in (("slow", 1e-4), ("quick", 3e-3)):
        train = TrainConfig(epochs=5, learning_rate=rate, select_by="last")
        folder = Path(f"runs/notebook/{name}-fold{split.fold}")  # one that is finished is kept
        trials.append(Trial(name=name, model=model, train=train, split=split, n_folds=2, folder=folder))
        run_trial(songs, trials[-1])
network = load_model(songs, trials[0])  # with the weights it ended with

# %% Scores come from the answers in the run folders alone
answers = pd.read_parquet(trials[0].folder / "predictions.parquet")
print(answers.head())  # track_id, artist, split, fold, seed, target, logits
scores = score_models(read_runs(find_runs(Path("runs/notebook"))))
for score in scores:  # folds pooled, seeds averaged
    print(score.name, score.accuracy, score.macro_f1, score.confusion)
for found in compare_models(scores, reference="slow"):
    print(found.model.name, found.accuracy)  # difference with interval, p, p adjusted by Holm

# %% The same for any metric of any answers
of_artists = artist_confusions(scores[0].targets, scores[0].predictions, scores[0].artists, len(scores[0].labels))
print(artist_bootstrap(of_artists, confusion_balanced_accuracy))
