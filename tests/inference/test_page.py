"""What the page shows, and the page in a real browser: pytest -m browser tests/inference/test_page.py"""

import json
import re
import shutil
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from research.demo import answers
from research.demo.lookup import FoundSong, NotFoundError
from research.demo.view import answer_html, cards, curve, notes, plane, sides, source, strongest_moments, time_axis
from research.demo.visit import Asked, message_html
from research.demo.workers import started_workers
from research.inference import Moment, MoodPrediction

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
SHARES = {"happy": 0.6, "angry": 0.3, "sad": 0.06, "relaxed": 0.04}


def answer(**changes):
    moments = tuple(
        Moment(
            start_s=5.0 * at,
            end_s=5.0 * at + 5,
            probabilities={**SHARES, "happy": 0.5 + at / 10, "angry": 0.4 - at / 10},
        )
        for at in range(3)
    )
    told = {
        "probabilities": SHARES,
        "tags": {},
        "given_tags": (),
        "fits": True,
        "unlikeness": 1.0,
        "variation_db": 9.0,
        "position": (0.28, 0.8),
        "shares": {"audio": 0.7, "lyrics": 0.3},
        "curve": moments,
        "duration_s": 15.0,
        "language": "en",
        "heard": True,
        "read": True,
    }
    return MoodPrediction(**told | changes)


def test_cards_are_sized_by_share():
    sizes = [float(size) for size in re.findall(r"font-size:clamp\(.*?,([\d.]+)rem\)", cards(answer()))]
    assert len(sizes) == 2
    assert sizes[0] / sizes[1] == pytest.approx(1.92 / 1.0)  # 3.2 rem times .6; .96 is raised to the least, 1
    assert "happy" in cards(answer()).split("angry")[0]


def test_what_moved_the_answer_is_named_as_everywhere():
    assert sides(answer()) == "<p>Moved by audio 70% and lyrics 30%.</p>"
    assert sides(answer(shares={"lyrics": 1.0})) == "<p>Moved by lyrics 100%.</p>"


def test_the_curve_fills_the_height_and_is_in_seconds():
    shapes = re.findall(r'points="([^"]+)"', curve(answer()))
    assert len(shapes) == 4
    points = np.array([[float(at) for at in point.split(",")] for point in shapes[0].split()])
    assert points[:, 0].max() == 900
    assert points[1, 0] == pytest.approx(900 * 2.5 / 15)
    assert points[1, 1] == pytest.approx(140 * (1 - 0.5))  # happy is .5 in the first moment
    assert min(float(y) for x, y in re.findall(r"([\d.]+),([\d.]+)", shapes[-1])) == pytest.approx(0, abs=0.06)


@pytest.mark.parametrize(
    ("duration_s", "labels"),
    [(4.0, ["0:00"]), (30.0, ["0:00", "0:05", "0:10", "0:15", "0:20", "0:25"]), (169.2, 6), (1_200.0, 4)],
)
def test_the_time_axis_has_few_ticks_where_they_belong(duration_s, labels):
    found = re.findall(r'left:([\d.]+)%">(\d+):(\d\d)<', time_axis(duration_s))
    for left, minutes, seconds in found:
        assert float(left) == pytest.approx(100 * (60 * int(minutes) + int(seconds)) / duration_s, abs=0.01)
    assert labels in ([f"{minutes}:{seconds}" for _, minutes, seconds in found], len(found))


def test_named_moments_lie_apart():
    def moment(start_s, happy):
        return Moment(start_s=start_s, end_s=start_s + 5, probabilities={**SHARES, "happy": happy})

    curve = (moment(0.0, 0.7), moment(60.0, 0.9), moment(65.0, 0.8))
    assert strongest_moments(answer(curve=curve)) == "<p>Most happy: 1:00 to 1:05 and 0:00 to 0:05.</p>"
    assert strongest_moments(answer(curve=curve[1:])) == "<p>Most happy: 1:00 to 1:05.</p>"


def test_the_plane_has_arousal_upwards():
    assert 'cx="28.0" cy="-80.0"' in plane(answer())
    assert plane(answer(position=None)) == ""


def test_limits_of_an_answer_are_said():
    assert notes(answer()) == ""
    assert "No mood fits" in notes(answer(fits=False))
    assert "French" in notes(answer(language="fr"))


def test_what_visitors_write_is_escaped():
    assert "<script>" not in message_html("<script>alert(1)</script>")
    mel = np.random.default_rng(0).normal(size=(50, 8)).astype(np.float32)
    found = FoundSong(path=Path("song.mp3"), provider="<script>", page='https://deezer.com/"><script>')
    shown = answer_html(answer(), mel, '"><script>', [("<script>la</script>", 0.5)], "<b>corpus</b>", found)
    assert "<script>" not in shown
    assert "<b>corpus" not in shown


def test_where_a_found_sound_is_from_stands_under_its_player():
    found = FoundSong(path=Path("song.mp3"), provider="deezer", page="https://deezer.com/track/1")
    shown = answer_html(answer(), None, "song.mp3", [], "songs", found)
    assert re.search(r'</audio><p [^>]*>Audio from <a href="https://deezer.com/track/1"[^>]*>deezer</a>', shown)
    assert "Audio from" not in answer_html(answer(), None, "song.mp3", [], "songs", None)
    for page in ("", "javascript:alert(1)"):
        assert source(replace(found, page=page)) == '<p class="origin">Audio from deezer.</p>'


def test_an_upload_may_last_as_long_as_a_song_is_heard_whole(predictor, tmp_path, monkeypatch):
    monkeypatch.setattr(answers, "LONGEST_S", 6.0)
    for duration_s in (6, 8):
        soundfile.write(tmp_path / f"{duration_s}.flac", np.zeros(8_000 * duration_s, np.int16), 8_000)
    shown, numbers = answers.answer_song(predictor, Asked(tmp_path / "6.flac", "", None))
    assert numbers["duration_s"] == 6
    assert "invented songs" in shown
    shown, numbers = answers.answer_song(predictor, Asked(tmp_path / "8.flac", "", None))
    assert "8.flac lasts 0 minutes, at most 0.1 are taken here" in shown
    assert numbers is None


def test_a_file_is_named_without_where_it_lies(predictor, tmp_path):
    (tmp_path / "song.mp3").write_text("no sound at all")
    shown, numbers = answers.answer_song(predictor, Asked(tmp_path / "song.mp3", "", None))
    assert "song.mp3 is not a readable audio file" in shown
    assert str(tmp_path) not in shown
    assert numbers is None
    assert message_html("/tmp/gradio/1f/song.mp3 is silent").endswith(">song.mp3 is silent</div>")


class Standin:
    """Finds one song."""

    services = "a stand-in"

    def __init__(self, song: Path):
        self._song = song

    def sound(self, artist, title, folder):
        if title != "Known":
            raise NotFoundError(f"no sound of “{title}” by {artist}: not found")
        path = Path(shutil.copy(self._song, folder / "song.mp3"))
        return FoundSong(path=path, provider="stand-in", page="https://example.org/song")

    def words(self, artist, title, folder):
        return "tears of joy all night long\nI dance alone in the light"


@pytest.fixture(scope="module")
def site(trained, predictor, tmp_path_factory):
    """The page on loopback, with files to upload."""
    pytest.importorskip("gradio")
    if CHROMIUM is None:
        pytest.skip("no chromium: apt-get install chromium")
    pytest.importorskip("playwright")
    from research.demo.page import build_page
    from research.demo.style import CSS

    folder = tmp_path_factory.mktemp("uploads")
    rate = 22_050
    song = np.sin(2 * np.pi * 330 * np.arange(12 * rate) / rate) / 4
    soundfile.write(folder / "song.mp3", song, rate)
    soundfile.write(folder / "hours.flac", np.zeros(8_000 * 3 * 3_600, np.int16), 8_000)
    (folder / "wrong.mp3").write_text("no sound at all")
    with (folder / "huge.wav").open("wb") as file:
        file.truncate(200 * 2**20)
    with started_workers(trained[0].path, 2) as workers:
        page = build_page(workers.judge, Standin(folder / "song.mp3"), workers.trained_on(), 4)
        _, url, _ = page.launch(prevent_thread_lock=True, quiet=True, max_file_size="100mb", css=CSS)
        yield url, folder, predictor
        page.close()


@pytest.mark.browser
def test_upload_search_and_bad_files_in_a_browser(site):
    from playwright.sync_api import expect, sync_playwright

    url, folder, predictor = site
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 390, "height": 844})
        page.goto(url, wait_until="domcontentloaded")
        button = page.get_by_role("button", name="Show the mood")
        expect(button).to_be_visible(timeout=60_000)
        button.click()
        expect(page.get_by_role("alert")).to_contain_text("choose an audio file", timeout=60_000)
        for name, said in (("wrong.mp3", "not a readable audio file"), ("hours.flac", "180 minutes")):
            upload(page, folder / name)
            button.click()
            expect(page.get_by_role("alert")).to_contain_text(said, timeout=60_000)
        page.get_by_role("button", name="Clear", exact=True).click()
        page.locator("input[type=file]").set_input_files(folder / "huge.wav")
        expect(page.get_by_text(re.compile("exceed|too large|maximum", re.I)).first).to_be_visible(timeout=60_000)
        upload(page, folder / "song.mp3")
        button.click()
        expect(page.locator(".cards .card")).to_have_count(2, timeout=60_000)
        expect(page.locator("svg.curve polygon")).to_have_count(len(predictor.labels))
        expected = predictor.predict(folder / "song.mp3")
        expect(page.locator(".card .mood").first).to_have_text(expected.mood)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        page.locator("svg.curve").click()  # its middle
        page.wait_for_function("Math.abs(document.querySelector('audio').currentTime - 6) < 0.2", timeout=60_000)
        page.get_by_role("radio", name="Search").check()
        page.get_by_role("textbox", name="Artist").fill("Somebody")
        page.get_by_role("textbox", name="Title").fill("Unknown")
        page.keyboard.press("Tab")
        button.press("Enter")  # keyboard alone
        expect(page.get_by_role("alert")).to_contain_text("not found", timeout=60_000)
        page.get_by_role("textbox", name="Title").fill("Known")
        page.get_by_role("checkbox", name="Fetch lyrics").check()
        button.press("Enter")
        expect(page.locator(".lines li").first).to_be_visible(timeout=60_000)
        expect(page.get_by_role("link", name="stand-in")).to_have_attribute("href", "https://example.org/song")
        browser.close()


@pytest.mark.browser
def test_eight_visitors_at_once_get_their_own_answers(site, trained):
    from gradio_client import Client, handle_file

    url, _, predictor = site
    songs = [trained[1].tracks.audio_path(row) for row in range(8)]
    words = [f"words of visitor {row}" for row in range(8)]
    visitors = [Client(url, verbose=False) for _ in songs]

    def ask(row):
        sound = handle_file(str(songs[row]))
        return visitors[row].predict("Upload Song", "", "", sound, words[row], False, api_name="/mood")[1]

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(ask, range(8)))
    for song, text, found in zip(songs, words, answers, strict=True):
        assert found["probabilities"] == pytest.approx(predictor.predict(song, text).probabilities, abs=1e-6)


@pytest.mark.browser
def test_the_bench_asks_the_page_and_gets_its_answer(site):
    from research.bench.visitors import ask, visitor

    url, folder, predictor = site
    found = ask(visitor(url), folder / "song.mp3", "some words")
    expected = predictor.predict(folder / "song.mp3", "some words").probabilities
    assert found["probabilities"] == pytest.approx(expected, abs=1e-6)


def upload(page, path):
    """Replace the file that is chosen."""
    from playwright.sync_api import TimeoutError as TooLateError

    field, chosen = page.locator("input[type=file]"), page.get_by_text(path.name).first
    if not field.count():
        page.get_by_role("button", name="Clear", exact=True).click()
    for _ in range(3):  # on a busy machine Gradio draws the field anew meanwhile and forgets the file
        field.set_input_files(path)
        with suppress(TooLateError):
            chosen.wait_for(timeout=20_000)
            return
    raise AssertionError(f"{path.name} was not taken")


def test_the_answer_is_json():
    found = answer().to_json()
    assert json.loads(json.dumps(found))["curve"][1]["start_s"] == 5
    assert found["mood"] == "happy"
    assert found["confidence"] == 0.6
