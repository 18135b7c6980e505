"""What is refused, what is left out and said."""

import numpy as np
import pandas as pd
import pytest
from scipy.special import softmax

from research.reports.pooling import pool_models, unfinished_models
from research.reports.predictions import read_runs

REAL = {"synthetic": False, "fingerprint": "ab12"}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"corpus": {"fingerprint": "cd34"}}, r"fusion-fold0-seed0 was trained on corpus .*compare runs on one corpus"),
        ({"corpus": REAL}, r"trained on SYNTHETIC songs, .*late-fold0-seed0 on real ones; never compare them"),
        ({"labels": ["angry", "happy", "calm"]}, "compare runs on one label space"),
        ({"songs": [0, 1, 2, 3, 5]}, "fusion seed 0 was tested on 5 songs, late seed 0 on 5, 2 of them not in both"),
        ({"songs": [0, 1, 2, 3, 3]}, "1 songs, such as 't3', are predicted twice .*late-fold0-seed0"),
        ({"targets": np.full(10, 2)}, "fusion seed 0 and late seed 0 were scored on different targets"),
    ],
)
def test_runs_that_cannot_be_compared_are_refused(write_run, changes, message):
    folders = [write_run("fusion", 0, n_folds=1), write_run("late", 0, n_folds=1, **changes)]
    with pytest.raises(ValueError, match=message):
        pool_models(read_runs(folders))


def test_targets_are_compared_where_only_some_songs_are_shared(write_run):
    folders = [write_run("fusion", 0), write_run("fusion", 1), write_run("late", 0, targets=np.full(10, 2))]
    with pytest.raises(ValueError, match="fusion seed 0 and late seed 0 were scored on different targets"):
        pool_models(read_runs(folders))


def test_nothing_at_all_is_refused(write_run):
    with pytest.raises(ValueError, match="no runs to score; give folders"):
        pool_models([])
    with pytest.raises(ValueError, match=r"no run is finished: .*audio-fold0-seed0 lack predictions"):
        pool_models(read_runs([write_run("audio", 0, finished=False)]))


def test_a_model_without_finished_run_is_named_and_the_others_are_scored(folders, write_run):
    runs = read_runs([*folders, write_run("late", 0, finished=False), write_run("late", 1, finished=False)])
    assert [model.key[0] for model in pool_models(runs)] == ["audio", "lyrics", "fusion"]
    assert unfinished_models(runs) == ["late (artist): not scored, none of its 2 runs is finished"]


def test_a_model_is_scored_on_the_folds_it_has(folders, write_run):
    runs = read_runs([*folders, write_run("late", 0), write_run("late", 1, finished=False)])
    late = pool_models(runs)[-1]
    assert len(late.frames[0]) == 5
    assert late.gaps == ["seed 0, unfinished: late-fold1-seed0", "only fold 0 of 2"]


def test_seeds_with_fewer_folds_are_left_out_and_named(folders, write_run):
    begun = [write_run("audio", 0, seed=1), write_run("audio", 1, seed=1, finished=False)]
    audio = pool_models(read_runs([*folders, *begun, write_run("audio", 0, seed=2)]))[0]
    assert list(audio.frames) == [0]
    assert audio.gaps == [
        "seed 1 left out, unfinished: audio-fold1-seed1",
        "seed 2 left out, its folds 1 were not run",
    ]


def test_temperature_and_threshold_come_from_validation_alone(write_run):
    folder = write_run("audio", 0)
    frame = pd.read_parquet(folder / "predictions.parquet")
    generator = np.random.default_rng(0)
    # 400 validation songs whose logits are three times too sure; the test songs stay as they are.
    logits = generator.normal(0, 1.5, (400, 3))
    targets = (generator.random((400, 1)) > softmax(logits, axis=1).cumsum(axis=1)).sum(axis=1)
    valid = pd.DataFrame({"track_id": [f"v{song}" for song in range(400)], "artist": "someone else", "target": targets})
    valid = valid.assign(split="valid", logits=list((3 * logits).astype(np.float32)))
    pd.concat([valid, frame[frame["split"] == "test"]]).to_parquet(folder / "predictions.parquet")
    (model,) = pool_models(read_runs([folder]))
    temperatures = model.frames[0]["temperature"].unique()
    assert temperatures == pytest.approx([3], rel=0.25)  # two standard errors of 12 % with 400 songs
    confidence, correct = softmax(3 * logits / temperatures[0], axis=1).max(axis=1), logits.argmax(axis=1) == targets
    answered = confidence >= model.frames[0]["threshold"].iloc[0]
    # Half the errors; one song of rounding in float32.
    assert correct[answered].mean() == pytest.approx((1 + correct.mean()) / 2, abs=0.01)


def test_what_was_chosen_on_test_gets_no_temperature(write_run):
    (model,) = pool_models(read_runs([write_run("audio", 0, selected_on="test")]))
    assert model.frames[0][["temperature", "threshold"]].isna().all(axis=None)
