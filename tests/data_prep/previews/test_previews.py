"""Each source of sound against what its service answers."""

import io
from dataclasses import dataclass

import pytest
import soundfile
from mutagen.id3 import ID3, TIT2, TPE1

from data_prep.fetching.ledger import Ledger
from data_prep.fetching.one_song import NOT_FOUND, fetch_sound
from data_prep.previews import IDENTITY_ONLY, NoAudioError, Wanted
from data_prep.previews.deezer import Deezer
from data_prep.previews.downloads import checked_sound
from data_prep.previews.itunes import ITunes
from data_prep.previews.jamendo import Jamendo
from data_prep.previews.local import LocalMusic
from data_prep.previews.spotify import SpotifyIdentity
from data_prep.web.session import RefusedError, open_session
from tests.data_prep.standins.deezer import DeezerStandIn
from tests.data_prep.standins.others import ITunesStandIn, JamendoStandIn, SpotifyStandIn
from tests.data_prep.standins.server import StandIns, addresses
from tests.data_prep.standins.songs import SOUND_FAULTS, CatalogueSong, mp3_of

SONG = CatalogueSong(1)
KEYS = {"SPOTIPY_CLIENT_ID": "id", "SPOTIPY_CLIENT_SECRET": "secret"}


def wanted_of(song, isrc=None):
    return Wanted(track_id=song.track_id, artist=song.artist, title=song.title, isrc=isrc)


@dataclass
class World:
    """Stand-ins, a session to them and a folder for sound."""

    servers: StandIns
    session: object
    services: object
    folder: object
    ledger: Ledger

    def fetch(self, song, *providers, isrc=None):
        return fetch_sound(wanted_of(song, isrc), providers, self.folder, self.ledger)

    def paths(self, service):
        return [request.path for request in self.servers.log if request.service == service]


@pytest.fixture
def world(tmp_path):
    servers = StandIns({})
    with servers:
        services = addresses(servers.url)
        session = open_session(tmp_path / "state", services, sleep=lambda seconds: None)
        ledger = Ledger(tmp_path / "state/ledger.sqlite")
        folder = tmp_path / "audio"
        folder.mkdir()
        yield World(servers, session, services, folder, ledger)
        session.close()
        ledger.close()


def song_with(fault):
    return CatalogueSong(3 * SOUND_FAULTS.index(fault))


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("missing", NOT_FOUND),
        ("only live", "only other songs found: another version"),
        ("no preview", "no preview at the service"),
        ("garbage", "audio cannot be decoded"),
        ("expired", ""),
        ("quota", ""),
        ("busy", ""),
        ("cut off", ""),
    ],
)
def test_deezer_on_bad_days(world, fault, reason):
    song = song_with(fault)
    world.servers.services["deezer"] = DeezerStandIn([song])
    outcome = world.fetch(song, Deezer(world.session, world.services.deezer))
    assert (outcome.kept, outcome.reason) == (not reason, reason)
    stored = {path.name: path.read_bytes() for path in world.folder.iterdir()}
    assert stored == ({} if reason else {f"{song.track_id}.mp3": mp3_of(song.number)})


def test_deezer_by_isrc_needs_no_search_and_keeps_no_signed_address(world):
    world.servers.services["deezer"] = DeezerStandIn([SONG])
    outcome = world.fetch(SONG, Deezer(world.session, world.services.deezer), isrc="QZSTD0000001")
    assert world.paths("deezer")[0] == "/deezer/track/isrc:QZSTD0000001"
    assert outcome.detail["key"] == "1"
    assert outcome.detail["duration_s"] == 201
    assert "hdnea" not in str(outcome.detail)


def test_a_whole_file_of_the_same_recording_is_not_fetched_again(world):
    # The state after a kill between file and outcome: file and claim are there, the outcome is not.
    world.servers.services["deezer"] = DeezerStandIn([SONG])
    deezer = Deezer(world.session, world.services.deezer)
    first = world.fetch(SONG, deezer)
    n_asked = len(world.servers.log)
    assert world.fetch(SONG, deezer) == first
    assert len(world.servers.log) == n_asked
    world.ledger.note(f"sound {SONG.track_id}", "itunes 7")  # a file of another source is not taken for it
    world.fetch(SONG, deezer)
    assert len(world.servers.log) == n_asked + 1


def test_spotify_tells_deezer_which_recording(world):
    world.servers.services |= {
        "deezer": DeezerStandIn([SONG]),
        "spotify": SpotifyStandIn(SONG, preview_url="http://p.scdn.co/mp3-preview/1"),
        "spotify_accounts": SpotifyStandIn(SONG),
    }
    spotify = SpotifyIdentity(world.session, world.services, KEYS)
    outcome = world.fetch(SONG, spotify, Deezer(world.session, world.services.deezer))
    assert (outcome.detail["provider"], outcome.detail["isrc"]) == ("deezer", "QZSTD0000001")
    assert outcome.tried == ("spotify", "deezer")
    assert world.fetch(SONG, spotify).reason == IDENTITY_ONLY
    assert world.fetch(CatalogueSong(2), spotify).reason == "only other songs found: another artist"


def test_spotify_gives_its_preview_only_where_asked_to(world):
    served = JamendoStandIn(SONG)  # any address with an MP3
    world.servers.services |= {
        "jamendo": served,
        "spotify": SpotifyStandIn(SONG, preview_url=f"{world.servers.url}/downloads/jamendo/download"),
        "spotify_accounts": SpotifyStandIn(SONG),
    }
    spotify = SpotifyIdentity(world.session, world.services, KEYS, take_previews=True)
    assert world.fetch(SONG, spotify).detail["provider"] == "spotify"


def test_jamendo_keeps_the_licence(world):
    world.servers.services["jamendo"] = JamendoStandIn(SONG)
    outcome = world.fetch(SONG, Jamendo(world.session, world.services.jamendo, "client"))
    assert outcome.detail["licence"] == "http://creativecommons.org/licenses/by-nc/3.0/"


def test_jamendo_honours_what_the_artist_does_not_allow(world):
    world.servers.services["jamendo"] = JamendoStandIn(SONG, allowed=False)
    outcome = world.fetch(SONG, Jamendo(world.session, world.services.jamendo, "client"))
    assert outcome.reason == "download not allowed by the artist"


def test_an_unknown_jamendo_client_stops_the_run(world):
    world.servers.services["jamendo"] = JamendoStandIn(SONG, client_known=False)
    with pytest.raises(RefusedError, match="check JAMENDO_CLIENT_ID"):
        world.fetch(SONG, Jamendo(world.session, world.services.jamendo, "wrong"))
    world.servers.services["jamendo"] = JamendoStandIn(SONG)
    assert world.fetch(SONG, Jamendo(world.session, world.services.jamendo, "right")).kept  # "wrong" was not cached


def test_jamendo_is_asked_for_a_new_address_where_the_old_one_is_refused(world):
    world.servers.services["jamendo"] = JamendoStandIn(SONG, expired=True)
    assert world.fetch(SONG, Jamendo(world.session, world.services.jamendo, "client")).kept


@pytest.mark.parametrize("expired", [False, True])
def test_itunes_gives_m4a(world, encode, tmp_path, expired):
    sound, rate = soundfile.read(io.BytesIO(mp3_of(1)), always_2d=True)
    preview = encode(tmp_path / "preview.m4a", sound, rate, "aac").read_bytes()
    world.servers.services["itunes"] = ITunesStandIn(SONG, preview, expired=expired)
    outcome = world.fetch(SONG, ITunes(world.session, world.services.itunes))
    assert outcome.detail["path"] == f"{SONG.track_id}.m4a"
    assert [path.read_bytes() for path in world.folder.iterdir()] == [preview]


def test_your_own_music_by_tags_and_by_file_names(world, tmp_path):
    music = tmp_path / "music"
    music.mkdir()
    (music / "01 track.mp3").write_bytes(mp3_of(1))
    tags = ID3(music / "01 track.mp3")
    tags.add(TPE1(encoding=3, text=[SONG.artist.upper()]))
    tags.add(TIT2(encoding=3, text=[f"{SONG.title} (Remastered)"]))
    tags.save()
    other = CatalogueSong(2)
    (music / f"{other.artist} - {other.title}.mp3").write_bytes(mp3_of(2))
    provider = LocalMusic(music)
    assert world.fetch(SONG, provider).detail["path"] == str(music / "01 track.mp3")
    assert world.fetch(other, provider).detail["score"] == 1.0
    assert world.fetch(CatalogueSong(3), provider).reason == NOT_FOUND
    assert list(world.folder.iterdir()) == []  # the music stays where it is


def test_a_sound_of_a_second_is_refused(tone, tmp_path):
    with pytest.raises(NoAudioError, match="audio shorter than 5 s"):
        checked_sound(tone(tmp_path / "short.wav", 440))
