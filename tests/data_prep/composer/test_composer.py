"""The composer plays and says what the literature reports, and no more of it than its blur allows."""

import math
import re
from collections import Counter

import librosa
import numpy as np
import pytest
import scipy.stats
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from data_prep.composer.artists import invent_artist
from data_prep.composer.cues import TABLE, cues_at
from data_prep.composer.evidence import DEPTH, SPREAD, blurred_point, quadrant_weights
from data_prep.composer.score import compose
from data_prep.composer.song import SAMPLE_RATE
from data_prep.composer.synthesis import render, wave_table
from data_prep.composer.words import THINGS, VOCABULARY, write_lyrics
from research.moods import MOODS, QUADRANTS

DURATION_S = 6.0


def play(mood: str, artist: int = 3, seed: int = 0) -> np.ndarray:
    """A clear case of `mood` by one artist."""
    cues, generator = cues_at(clear_point(mood)), np.random.default_rng(seed)
    score = compose(cues, 0, DURATION_S, generator)
    return render(score, cues, invent_artist(artist, 0).palette, SAMPLE_RATE, DURATION_S, generator)


def clear_point(mood: str) -> tuple[float, float]:
    valence, arousal = QUADRANTS[mood]
    return DEPTH * valence, DEPTH * arousal


# How much each side gives away


def test_a_linear_classifier_reaches_what_the_blur_allows():
    # On each axis two classes lie DEPTH to either side of zero; two sides, blurred independently, add their precisions.
    generator, n = np.random.default_rng(0), 8_000
    moods = np.array(MOODS)[np.arange(n) % 4]
    sides = {
        side: np.array([blurred_point(mood, side, 1.0, generator) for mood in moods]) for side in ("audio", "lyrics")
    }
    sides["both"] = np.hstack([sides["audio"], sides["lyrics"]])
    distance = {side: DEPTH / np.array(spreads) for side, spreads in SPREAD.items()}
    distance["both"] = np.hypot(distance["audio"], distance["lyrics"])
    for side, points in sides.items():
        best = scipy.stats.norm.cdf(distance[side]).prod()
        slack = 3.5 * math.sqrt(best * (1 - best) / n)  # 3.5 standard errors: 1 in 2,000
        reached = LinearDiscriminantAnalysis().fit(points, moods).score(points, moods)
        assert reached == pytest.approx(best, abs=slack)


def test_without_overlap_every_song_is_a_clear_case():
    generator = np.random.default_rng(0)
    for mood in MOODS:
        assert blurred_point(mood, "audio", 0.0, generator) == clear_point(mood)


def test_quadrant_weights_are_bilinear():
    assert quadrant_weights((1.0, 1.0)) == {"happy": 1, "angry": 0, "sad": 0, "relaxed": 0}
    assert quadrant_weights((0.5, 0.0)) == {"happy": 0.375, "angry": 0.125, "sad": 0.125, "relaxed": 0.375}
    assert quadrant_weights((-7.0, 0.0)) == quadrant_weights((-1.0, 0.0))  # beyond the extreme is the extreme


# What a mood sounds like


def test_cues_point_where_the_literature_says():  # Juslin & Laukka 2004: directions, not sizes
    happy, angry, sad, relaxed = (cues_at(clear_point(mood)) for mood in ("happy", "angry", "sad", "relaxed"))
    assert min(happy.tempo_bpm, angry.tempo_bpm) > 1.5 * max(sad.tempo_bpm, relaxed.tempo_bpm)
    assert angry.loudness_db > happy.loudness_db > max(sad.loudness_db, relaxed.loudness_db)
    assert angry.brightness > happy.brightness > relaxed.brightness > sad.brightness
    assert min(happy.major, relaxed.major) > 0.7 > 0.3 > max(sad.major, angry.major)
    assert angry.dissonance > sad.dissonance > max(happy.dissonance, relaxed.dissonance)
    assert min(sad.attack_s, relaxed.attack_s) > 2 * max(happy.attack_s, angry.attack_s)


def test_cues_at_an_extreme_are_the_table_s_column():
    assert vars(cues_at((-1.0, -1.0))) == {name: row[MOODS.index("sad")] for name, row in TABLE.items()}


def test_rendered_level_is_the_level_asked_for():
    for mood in MOODS:
        asked = cues_at(clear_point(mood)).loudness_db + invent_artist(3, 0).palette.level_offset_db
        measured = 10 * math.log10((play(mood) ** 2).mean())
        assert measured == pytest.approx(asked, abs=1.5)  # the soft ceiling squeezes the loudest by up to 1.5 dB


@pytest.mark.parametrize("artist", [0, 7, 15, 23])
def test_anger_is_louder_and_brighter_and_sadness_quieter_and_duller_whoever_plays(artist: int):
    songs = {mood: play(mood, artist) for mood in MOODS}
    level_db = {mood: 10 * math.log10((song**2).mean()) for mood, song in songs.items()}
    centroid_hz = {
        mood: librosa.feature.spectral_centroid(y=song, sr=SAMPLE_RATE).mean() for mood, song in songs.items()
    }
    assert level_db["angry"] > level_db["happy"] > level_db["relaxed"] > level_db["sad"]
    assert centroid_hz["angry"] > centroid_hz["happy"] > centroid_hz["relaxed"] > centroid_hz["sad"]


def test_excited_moods_have_more_onsets_than_calm_ones():
    onsets = {}
    for mood in MOODS:
        strength = librosa.onset.onset_strength(y=play(mood), sr=SAMPLE_RATE)
        onsets[mood] = len(librosa.onset.onset_detect(onset_envelope=strength, sr=SAMPLE_RATE)) / DURATION_S
    # 1.5: their tempi alone differ by 1.6, and the detector misses notes that overlap.
    assert min(onsets["happy"], onsets["angry"]) > 1.5 * max(onsets["sad"], onsets["relaxed"])


def test_a_bright_extreme_is_in_c_major_and_a_dark_one_in_c_phrygian():  # the scales' notes as any textbook has them
    expected = {"happy": {0, 2, 4, 5, 7, 9, 11}, "sad": {0, 1, 3, 5, 7, 8, 10}}
    for mood, scale in expected.items():
        score = compose(cues_at(QUADRANTS[mood]), 0, 60.0, np.random.default_rng(0))
        assert {note.midi % 12 for note in score.notes if note.voice != "chords"} == scale


def test_the_beat_is_the_tempo_asked_for():
    cues = cues_at(QUADRANTS["happy"])
    score = compose(cues, 0, 60.0, np.random.default_rng(0))
    snares = np.array([hit.start_s for hit in score.hits if hit.drum == "snare"])
    assert np.diff(snares) == pytest.approx(2 * 60 / cues.tempo_bpm, rel=1e-9)  # on beats 2 and 4; float rounding
    assert max(note.start_s for note in score.notes) < 60.0


def test_wave_table_is_a_sum_of_sines_without_partials_the_rate_cannot_hold():
    table = wave_table("reed", 0.5, 2_000.0, SAMPLE_RATE)
    phase, slope = 2 * np.pi * np.arange(4096) / 4096, 3.0 - 2.3 * 0.5
    odd, even = 1.0, 0.12
    weights = {k: (odd if k % 2 else even) * k**-slope for k in (1, 2, 3, 4)}  # 5 * 2,000 Hz > 0.45 * 22,050 Hz
    by_hand = sum(w * np.cos(k * phase - np.pi * k**2 / 24) for k, w in weights.items())
    assert table == pytest.approx(
        by_hand / np.sqrt((by_hand**2).mean()), abs=1e-12
    )  # float64 rounding of values near 1


def test_the_softest_and_the_loudest_song_are_finite_and_never_clip():
    for mood in MOODS:
        cues, generator = cues_at(QUADRANTS[mood]), np.random.default_rng(1)
        for duration_s in (1.0, 4.0):
            score = compose(cues, 11, duration_s, generator)
            song = render(score, cues, invent_artist(1, 0).palette, SAMPLE_RATE, duration_s, generator)
            assert len(song) == duration_s * SAMPLE_RATE
            assert 0.01 < np.abs(song).max() < 1.0


# What a mood says


def test_no_word_belongs_to_two_moods_and_no_title_to_one():
    words = [word for parts in VOCABULARY.values() for choices in parts.values() for word in choices]
    assert len(words) == len(set(words)) == 4 * 3 * 12
    assert not set(words) & set(THINGS)


def test_lyrics_at_an_extreme_use_one_mood_and_at_the_centre_all_four():
    mood_of = {word: mood for mood, parts in VOCABULARY.items() for choices in parts.values() for word in choices}
    artist, generator = invent_artist(0, 0), np.random.default_rng(0)

    def moods_in(point: tuple[float, float]) -> Counter:
        text = "".join(write_lyrics(point, artist.word_weights, artist.things, generator) for _ in range(50))
        return Counter(mood_of[word] for word in re.findall(r"\w+", text) if word in mood_of)

    assert set(moods_in((1.0, -1.0))) == {"relaxed"}
    shares = moods_in((0.0, 0.0))
    assert min(shares.values()) > 0.2 * shares.total()  # a quarter each; about 700 words in 50 songs


def test_lyrics_have_two_equal_choruses_and_a_song_s_length():
    artist = invent_artist(5, 0)
    for seed in range(100):
        text = write_lyrics((0.1, 0.2), artist.word_weights, artist.things, np.random.default_rng(seed))
        verse, chorus, second_verse, last = text.strip().split("\n\n")
        assert chorus == last
        assert verse != second_verse
        assert 70 <= len(text.split()) <= 112  # 14 lines of 5 to 8 words
