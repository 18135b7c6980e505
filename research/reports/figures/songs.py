"""Songs as points, placed by a model's embeddings."""

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float, Int
from matplotlib import rc_context
from matplotlib.figure import Figure
from sklearn.manifold import TSNE

from research.reports.figures.style import COLOURS, LOOK, MARKERS, panel_grid

PANEL_INCHES = (3.0, 3.2)
PERPLEXITY = 30.0
"""Of t-SNE; few songs get less."""


def song_places(vectors: Float[np.ndarray, "songs dim"], seed: int) -> Float[np.ndarray, "songs 2"]:
    """Two dimensions in which neighbours stay neighbours; distances between groups mean nothing.

    Source: van der Maaten & Hinton 2008, "Visualizing data using t-SNE", from principal components.
    """
    perplexity = min(PERPLEXITY, (len(vectors) - 1) / 3)
    return TSNE(perplexity=perplexity, init="pca", random_state=seed).fit_transform(vectors.astype(np.float32))


def song_map(
    panels: Mapping[str, Float[np.ndarray, "songs 2"]], moods: Int[np.ndarray, " songs"], labels: Sequence[str]
) -> Figure:
    """A panel a model by title, a point a song, coloured by its true mood."""
    figure, all_axes = panel_grid(len(panels), PANEL_INCHES)
    with rc_context(LOOK):
        for axes, (title, places) in zip(all_axes, panels.items(), strict=True):
            for number, label in enumerate(labels):
                look = {"color": COLOURS[number % len(COLOURS)], "marker": MARKERS[number % len(MARKERS)]}
                axes.plot(*places[moods == number].T, linestyle="", ms=4, mew=0, alpha=0.75, label=label, **look)
            axes.set(xticks=[], yticks=[], xlabel="t-SNE 1", ylabel="t-SNE 2", aspect="equal", adjustable="datalim")
            axes.set_title(title)
        handles, names = all_axes[0].get_legend_handles_labels()
        figure.legend(handles, names, loc="outside lower center", ncols=len(names), title="true mood", fontsize=7)
    return figure
