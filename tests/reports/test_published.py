"""Published numbers against where they come from."""

import pytest

from baselines.slides import MODEL_1, MODEL_2, cross_table_figures
from research.reports.published import published_scores


def test_the_slides_numbers_are_those_of_their_tables():
    first, second = published_scores("any corpus")
    figures = cross_table_figures()
    # Printed with four decimals.
    assert (first.accuracy, first.macro_f1, first.majority) == pytest.approx(
        (figures.accuracy.estimate, figures.macro_f1, figures.majority), abs=5e-5
    )
    assert (first.songs, second.songs) == (MODEL_1.n_test, MODEL_2.n_test)
    assert (second.accuracy, second.macro_f1) == (MODEL_2.test_accuracy, None)
    assert second.majority == pytest.approx(MODEL_2.majority_accuracy, abs=5e-5)


def test_a_corpus_brings_its_own_and_each_has_a_source():
    rows = published_scores("mirex_like")
    assert [row.macro_f1 for row in rows[2:]] == [0.624, 0.442, 0.639]
    assert all(row.source and row.protocol for row in rows)
