"""Do explanations show what drove the decision? Two checks that a map can fail.

Deletion: removing what a map calls important must lower the probability faster than removing as much at random (Samek
et al. 2017, arXiv:1509.06321; Petsiuk et al. 2018, arXiv:1806.07421). Randomisation: a model whose weights are shuffled
must have another map; a map that stays the same shows the song, not the model (Adebayo et al. 2018, arXiv:1810.03292).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.special import expit
from scipy.stats import spearmanr

from research.explain.explainer import Explainer, Explanation, Material
from research.explain.sound import tile_numbers
from research.explain.words import without_words

SHARES = (0.1, 0.2, 0.4)
"""Of the tiles or words, deleted."""
TILE = (43, 16)
"""Frames and bands deleted together: 1.0 s and an eighth of the bands at the default spectrogram."""
RANDOM_ORDERS = 2

Deleted = Bool[np.ndarray, " units"]


@dataclass(frozen=True, eq=False)
class Deletion:
    """Probability of the explained label as more and more is deleted."""

    shares: Float[np.ndarray, " shares"]
    by_map: Float[np.ndarray, " shares"]
    """The most important first."""
    by_chance: Float[np.ndarray, " shares"]
    """Mean over random orders."""

    @property
    def gain(self) -> float:
        """How much lower the curve of the map lies, mean over the shares; above 0: the map knows more than chance."""
        return float((self.by_chance - self.by_map).mean())


def deletion(
    weights: Float[np.ndarray, " units"],
    probability: Callable[[Deleted], float],
    generator: np.random.Generator,
    shares: Sequence[float] = SHARES,
    random_orders: int = RANDOM_ORDERS,
) -> Deletion:
    """Delete units in the order of their weights, and in random orders.

    Args:
        probability: of the label, given what is deleted.
    """

    def curve(order: Int[np.ndarray, " units"]) -> list[float]:
        rank = np.empty(len(order), int)
        rank[order] = np.arange(len(order))
        return [probability(rank < round(share * len(order))) for share in shares]

    by_map = curve(np.argsort(-weights, kind="stable"))
    by_chance = [curve(generator.permutation(len(weights))) for _ in range(random_orders)]
    return Deletion(np.array(shares), np.array(by_map), np.mean(by_chance, axis=0))


def tile_weights(plane: Float[np.ndarray, "frames n_mels"]) -> Float[np.ndarray, " tiles"]:
    """Sum of each tile of a map."""
    return np.bincount(tile_numbers(plane.shape, TILE).ravel(), plane.ravel())


def delete_sound(
    explainer: Explainer, material: Material, found: Explanation, generator: np.random.Generator
) -> Deletion:
    """Make tiles of the spectrogram neutral for every network; words, and what has no place in it, stay."""
    tiles = tile_numbers(found.sound.shape, TILE)

    def probability(gone: Deleted) -> float:
        changed = replace(material, sound=material.sound.without(gone[tiles]))
        return float(expit(explainer.log_odds(changed, found.label)))

    return deletion(tile_weights(found.sound), probability, generator)


def delete_words(
    explainer: Explainer, material: Material, lyrics: str, found: Explanation, generator: np.random.Generator
) -> Deletion:
    """Take words out of the text, which is read anew; the sound stays.

    Args:
        lyrics: clean words, those of `material`.
    """

    def probability(gone: Deleted) -> float:
        text = without_words(lyrics, {word.place for word, out in zip(found.words, gone, strict=True) if out})
        changed = replace(material, text=explainer.read(text))
        return float(expit(explainer.log_odds(changed, found.label)))

    return deletion(np.array([word.weight for word in found.words]), probability, generator)


def likeness(one: Explanation, other: Explanation) -> tuple[float | None, float | None]:
    """Spearman's correlation of two maps of one song, of tiles and of words; None: not judged by that side."""
    sound = words = None
    if one.sound is not None:
        sound = float(spearmanr(tile_weights(one.sound), tile_weights(other.sound)).statistic)
    if one.words:
        words = float(spearmanr(*([word.weight for word in found.words] for found in (one, other))).statistic)
    return sound, words
