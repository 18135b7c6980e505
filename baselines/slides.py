"""The 2020 slides as data: every number they print, and what follows from their numbers, computed.

Two ResNet18 on pictures of spectrograms. What the slides do not say is from their public code, marked "(code)".
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from research.evaluation.statistics import Interval, wilson_interval
from research.metrics.moods import confusion_accuracy, confusion_macro_f1
from research.moods import QUADRANTS, SLIDES_THREE

LABELS = ("angry", "happy", "relaxed", "sad")
"""Order of the cross-table: alphabetical, as an image folder numbers its classes."""


@dataclass(frozen=True, kw_only=True)
class SlideModel:
    """One of the two networks as the slides describe it."""

    name: str
    labels: tuple[str, ...]
    pretrained: bool
    """On ImageNet, its body then frozen: only the new last layer learns (code)."""
    epochs: int
    batch_size: int
    per_class: int | None
    """Songs sampled from each mood before the split; None: all."""
    train: dict[str, int]
    """Songs by mood, those of moods the model does not know included."""
    test: dict[str, int]
    train_accuracy: float
    test_accuracy: float
    """Of the best epoch, chosen on the test songs themselves (code)."""
    learning_rate: float = 1e-3
    momentum: float = 0.9
    step_epochs: int = 7
    """Epochs between two cuts of the learning rate (code)."""
    step_factor: float = 0.1

    @property
    def n_train(self) -> int:
        """Training songs of the moods the model knows."""
        return sum(self.train[label] for label in self.labels)

    @property
    def n_test(self) -> int:
        return sum(self.test[label] for label in self.labels)

    @property
    def majority_accuracy(self) -> float:
        """Accuracy of always answering the most frequent mood of the test songs."""
        return max(self.test[label] for label in self.labels) / self.n_test


MODEL_1 = SlideModel(
    name="slides-model1",
    labels=LABELS,
    pretrained=False,
    epochs=20,
    batch_size=32,
    per_class=2_500,
    train={"happy": 1_359, "sad": 1_355, "angry": 1_370, "relaxed": 1_316},
    test={"happy": 454, "sad": 452, "angry": 457, "relaxed": 440},
    train_accuracy=0.85,
    test_accuracy=0.60,
)
MODEL_2 = SlideModel(
    name="slides-model2",
    labels=SLIDES_THREE,
    pretrained=True,
    epochs=15,
    batch_size=64,
    per_class=None,
    train={"happy": 8_875, "sad": 5_561, "angry": 1_652, "relaxed": 4_755},
    test={"happy": 1_153, "sad": 603, "angry": 169, "relaxed": 634},
    train_accuracy=0.73,
    test_accuracy=0.74,
)

SLIDES_MIX = "-slidesmix"
"""How the name of a model ends whose songs are drawn in the proportions of its moods above."""
CROSS_TABLE = ((352, 50, 21, 34), (65, 284, 49, 56), (15, 68, 245, 112), (43, 61, 146, 202))
"""Model 1's test songs, rows true and columns predicted, in the order of `LABELS`.

The slide puts it under Model 2 and heads it "pred \\ true". Its row sums are the test songs of Model 1 by mood, so its
rows are the true moods.
"""
SLIDE_TRAINING_SONGS = 23_000
""""~23,000" on Model 2's slide; counts relaxed songs and the test songs too."""


@dataclass(frozen=True)
class CrossTableFigures:
    """What the cross-table says beyond the slides' one accuracy; shares of all its songs unless said otherwise."""

    accuracy: Interval
    """Wilson interval."""
    macro_f1: float
    f1: dict[str, float]
    kappa: float
    """Cohen's, agreement beyond chance."""
    majority: float
    errors: int
    """Songs."""
    sad_relaxed_errors: int
    """Songs taken for relaxed that are sad, and the other way round."""
    arousal: float
    """Right on excited or calm."""
    valence: float
    """Right on pleasant or unpleasant."""


def cross_table() -> Int[np.ndarray, "true predicted"]:
    return np.array(CROSS_TABLE)


def cross_table_figures() -> CrossTableFigures:
    table = cross_table()
    n, right = int(table.sum()), int(table.trace())
    valence, arousal = np.array([QUADRANTS[label] for label in LABELS]).T
    sad, relaxed = LABELS.index("sad"), LABELS.index("relaxed")
    return CrossTableFigures(
        accuracy=wilson_interval(right, n),
        macro_f1=float(confusion_macro_f1(table)),
        f1=dict(zip(LABELS, f1_by_label(table).tolist(), strict=True)),
        kappa=cohen_kappa(table),
        majority=float(table.sum(axis=1).max() / n),
        errors=n - right,
        sad_relaxed_errors=int(table[sad, relaxed] + table[relaxed, sad]),
        arousal=_right_on(arousal),
        valence=_right_on(valence),
    )


def model_1_on_three_moods() -> float:
    """Accuracy of Model 1 had it faced Model 2's task: three moods, in the proportions of Model 2's test songs.

    Takes its angry, happy and sad songs that it did not call relaxed, and weighs their moods like Model 2's.
    """
    kept = [LABELS.index(label) for label in SLIDES_THREE]
    table = cross_table()[np.ix_(kept, kept)]
    recall = table.diagonal() / table.sum(axis=1)
    return float(np.average(recall, weights=[MODEL_2.test[label] for label in SLIDES_THREE]))


def training_songs_of_three_moods() -> int:
    """Training and test songs of Model 2's moods together: what its "~23,000" shrinks to."""
    return MODEL_2.n_train + MODEL_2.n_test


def f1_by_label(table: Int[np.ndarray, "true predicted"]) -> Float[np.ndarray, " labels"]:
    return 2 * table.diagonal() / (table.sum(axis=0) + table.sum(axis=1))


def cohen_kappa(table: Int[np.ndarray, "true predicted"]) -> float:
    """Agreement of answers and truth beyond what their frequencies alone would give.

    Source: Cohen 1960, "A coefficient of agreement for nominal scales".
    """
    by_chance = float(table.sum(axis=0) @ table.sum(axis=1)) / int(table.sum()) ** 2
    return (float(confusion_accuracy(table)) - by_chance) / (1 - by_chance)


def _right_on(sign: np.ndarray) -> float:
    """Share of songs whose answer has the same sign on one axis of Russell's plane as the truth."""
    table = cross_table()
    return float(table[sign[:, None] == sign].sum() / table.sum())
