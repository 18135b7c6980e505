"""What a song costs from tenth to tenth, on a corpus so small that the numbers mean nothing."""

import pytest

from research.bench.scaling import Config, Reading, Readings, growth_table, measure_growth


def test_tenths_by_hand():
    readings = Readings(yardstick=list)
    # Songs come in tens; each of the first half costs 1 ms, each of the second 3 ms; memory grows by 1 MB a ten.
    seconds = [0.0, 0.01, 0.02, 0.03, 0.04, 0.05, 0.08, 0.11, 0.14, 0.17, 0.20]
    # From the middle on, the machine is twice as slow: of what grew threefold, half is the songs' own.
    yardstick = [0, 1, 2, 3, 4, 5, 7, 9, 11, 13, 15]
    readings.kept = [Reading(10 * at, seconds[at], 100.0 + at, yardstick[at]) for at in range(11)]
    tenths = readings.tenths()
    assert [tenth.song_us for tenth in tenths] == pytest.approx([1_000] * 5 + [3_000] * 5)
    assert [tenth.beside for tenth in tenths] == pytest.approx([0.8] * 5 + [1.2] * 5)
    assert [tenth.memory_mb for tenth in tenths] == list(range(101, 111))


def test_every_song_is_built_and_read(tmp_path):
    config = Config(folder=tmp_path / "corpus", songs=170, clips=2, clip_s=0.3, window_frames=8, batch_size=10)
    found = measure_growth(config)
    assert list(found) == ["building", "first epoch", "second epoch"]
    assert {readings.kept[-1].songs for readings in found.values()} == {170}
    header, _, *rows = growth_table(found)
    assert [row.count("|") for row in rows] == [header.count("|")] * 3
    with pytest.raises(FileExistsError):
        measure_growth(config)
