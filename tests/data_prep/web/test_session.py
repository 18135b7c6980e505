"""Manners on the web: rates counted at the server, waiting as asked, repeating what failed, caching what came."""

from email.utils import formatdate

import pytest

from data_prep.web.services import PUBLIC
from data_prep.web.session import (
    ATTEMPTS,
    BUSY_WAIT_S,
    MAX_WAIT_S,
    PausedError,
    UnreachableError,
    open_session,
    retry_after_s,
)
from tests.data_prep.standins.server import CALLS, DAY_S, Answer, StandIns, addresses


class Script:
    """Gives the answers it was told, the last one for ever."""

    def __init__(self, *answers):
        self.answers, self.asked = list(answers), 0

    def answer(self, path, query, times, downloads):
        self.asked += 1
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


@pytest.fixture
def ask(tmp_path):
    """Asks a script and tells what came, how often it was asked and how long was waited."""

    def run(*answers, service="deezer", times=1):
        script, waits = Script(*answers), []
        with StandIns({service.rpartition("/")[2]: script}) as servers:
            session = open_session(tmp_path, addresses(servers.url), now=lambda: 1000.0, sleep=waits.append)
            try:
                for _ in range(times):
                    came = session.get(f"{servers.url}/{service}/thing", params={"client_id": "secret"})
            except (PausedError, UnreachableError) as error:
                came = error
            session.close()
        return came, script.asked, waits

    return run


def test_retry_after_is_honoured(ask):
    came, asked, waits = ask(Answer(status=429, headers={"Retry-After": "7"}), Answer(["yes"]))
    assert (came.json(), asked, waits) == (["yes"], 2, [7.0])


def test_a_day_is_not_waited_but_told(ask):
    came, asked, waits = ask(Answer(status=429, headers={"Retry-After": str(DAY_S)}), Answer(["yes"]))
    assert (came.service, came.until, asked, waits) == ("deezer", 1000 + DAY_S, 1, [])


def test_an_error_inside_status_200_is_not_an_answer(ask):
    quota = Answer({"error": {"type": "Exception", "message": "Quota limit exceeded", "code": 4}})
    came, asked, waits = ask(quota, Answer({"data": []}))
    assert (came.json(), asked, waits) == ({"data": []}, 2, [BUSY_WAIT_S])


def test_a_body_that_was_cut_off_is_asked_for_again(ask):
    came, asked, _ = ask(Answer(["x"] * 500, cut=True), Answer(["x"] * 500))
    assert (len(came.json()), asked) == (500, 2)


def test_a_login_page_of_the_network_is_neither_taken_nor_cached(ask):
    came, asked, _ = ask(Answer(b"<html>please log in</html>"), Answer({"data": []}), times=2)
    assert (came.json(), asked) == ({"data": []}, 2)


def test_a_body_whose_compression_is_broken_is_asked_for_again(ask):
    came, asked, _ = ask(Answer(b"no gzip", headers={"Content-Encoding": "gzip"}), Answer({"data": []}))
    assert (came.json(), asked) == ({"data": []}, 2)


@pytest.mark.parametrize("broken", [b'{"error": {"type": "Exc', b'{"headers"', b'{"data": [1, ', b"[", b"\xff{"])
def test_json_that_was_cut_off_is_neither_taken_nor_cached(ask, broken):
    came, asked, _ = ask(Answer(broken), Answer({"data": []}), times=2)
    assert (came.json(), asked) == ({"data": []}, 2)


def test_sound_is_taken_as_it_is(ask):
    came, asked, _ = ask(Answer(b'{"error" is no JSON'), service="downloads/deezer")
    assert (came.content, asked) == (b'{"error" is no JSON', 1)


def test_a_service_may_send_on_to_another_of_its_addresses(ask):
    moved = Answer(b"<html>Moved</html>", status=302, headers={"Location": "/deezer/elsewhere"})
    came, asked, _ = ask(moved, Answer({"data": []}))
    assert (came.json(), came.url.partition("?")[0].rpartition("/")[2], asked) == ({"data": []}, "elsewhere", 2)


def test_a_network_that_sends_on_to_its_login_page_is_told(ask):
    login = Answer(b"", status=302, headers={"Location": "http://127.0.0.1:9/login?token=secret"})
    came, asked, _ = ask(login)
    assert (type(came), asked) == (UnreachableError, ATTEMPTS)
    assert str(came) == "deezer: redirected to http://127.0.0.1:9/login, which is none of its addresses"


def test_a_service_that_is_down_is_left(ask):
    came, asked, waits = ask(Answer(b"bad gateway", status=502))
    assert isinstance(came, UnreachableError)
    assert (asked, len(waits)) == (ATTEMPTS, ATTEMPTS - 1)
    # Backoff: 0.5 s doubled each time, plus at most 1 s of chance.
    assert all(0.5 * 2**n <= wait <= 0.5 * 2**n + 1 for n, wait in enumerate(waits))


def test_without_a_connection_the_host_is_told_and_what_to_check(tmp_path):
    waits = []
    session = open_session(tmp_path, PUBLIC, now=lambda: 1000.0, sleep=waits.append)
    with pytest.raises(UnreachableError) as told:
        session.get("http://127.0.0.1:9/preview.mp3?token=secret")  # nothing listens at port 9
    session.close()
    why = "127.0.0.1 cannot be reached (NewConnectionError); check the internet connection"
    assert str(told.value) == f"downloads: {why}"
    assert len(waits) == ATTEMPTS - 1


def test_a_service_that_stays_busy_is_paused(ask):
    came, asked, _ = ask(Answer(status=429, headers={"Retry-After": "1"}))
    assert (type(came), came.until, asked) == (PausedError, 1000 + MAX_WAIT_S, ATTEMPTS)


def test_itunes_says_403_where_it_is_asked_too_often(ask):
    came, asked, waits = ask(Answer(status=403), service="itunes")
    assert (type(came), asked, waits) == (PausedError, ATTEMPTS, [BUSY_WAIT_S] * (ATTEMPTS - 1))


@pytest.mark.parametrize("status", [200, 404])
def test_an_answer_is_cached_without_the_key(ask, tmp_path, status):
    _, asked, _ = ask(Answer({"lyrics": 1}, status=status), times=3)
    assert asked == 1
    assert b"secret" not in b"".join(path.read_bytes() for path in tmp_path.glob("answers.sqlite*"))


def test_the_rate_holds_at_the_server_even_across_processes(tmp_path):
    # Two sessions one after the other, as a program that was killed and started again.
    with StandIns({"deezer": Script(Answer({}))}) as servers:
        services = addresses(servers.url)
        for session_number in range(2):
            session = open_session(tmp_path, services)
            for number in range(40):
                session.get(f"{servers.url}/deezer/{session_number}/{number}")
            session.close()
        assert len(servers.log) == 80
        assert servers.most_in_a_window("deezer") <= CALLS


def test_retry_after_as_number_date_and_nonsense():
    now = 1_700_000_000.0
    assert retry_after_s("120", now) == 120
    assert retry_after_s(formatdate(now + 30, usegmt=True), now) == pytest.approx(30, abs=1)  # dates have whole seconds
    assert retry_after_s(formatdate(now - 30, usegmt=True), now) == 0
    assert retry_after_s("soon", now) == retry_after_s(None, now) == BUSY_WAIT_S


def test_deezer_is_asked_no_faster_than_it_allows():
    assert (PUBLIC.deezer.calls, PUBLIC.deezer.period_s) == (50, 5)  # as published by Deezer
