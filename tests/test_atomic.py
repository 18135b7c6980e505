"""What stands at the target and beside it after success, error, kill, and with two writers at once."""

import pytest

from research.atomic import replacing, write_text


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_block_that_ends_replaces_the_file_and_leaves_nothing_else(tmp_path):
    target = tmp_path / "table.csv"
    target.write_bytes(b"old")
    with replacing(target) as partial:
        partial.write_bytes(b"new")
        assert contents(tmp_path) == {"table.csv": b"old", "table.csv.part": b"new"}
    assert contents(tmp_path) == {"table.csv": b"new"}


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
@pytest.mark.parametrize("shared", [False, True])
def test_an_error_keeps_the_old_file_and_leaves_nothing_beside_it(tmp_path, error, shared):
    target = tmp_path / "table.csv"
    target.write_bytes(b"old")
    with pytest.raises(type(error)), replacing(target, shared=shared) as partial:  # noqa: PT012
        partial.write_bytes(b"ha")
        raise error
    assert contents(tmp_path) == {"table.csv": b"old"}


def test_a_folder_that_fails_half_way_is_not_there(tmp_path):
    for fault in (True, False):
        try:
            with replacing(tmp_path / "model") as partial:
                partial.mkdir()
                (partial / "config.json").write_text("{}")
                1 // (not fault)
        except ZeroDivisionError:
            assert not contents(tmp_path)
    assert contents(tmp_path / "model") == {"config.json": b"{}"}
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_a_target_that_cannot_be_replaced_leaves_nothing_beside_it(tmp_path):
    (tmp_path / "model/lyrics").mkdir(parents=True)
    with pytest.raises(OSError, match="model"), replacing(tmp_path / "model") as partial:
        partial.write_bytes(b"a file where a folder is")
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_what_a_kill_left_is_removed_and_a_link_is_not_followed(tmp_path):
    music = tmp_path / "music.flac"
    music.write_bytes(b"a user's own")
    (tmp_path / "song.flac.part").symlink_to(music)
    (tmp_path / "model.part/lyrics").mkdir(parents=True)
    with replacing(tmp_path / "song.flac") as partial:
        partial.write_bytes(b"new")
    with replacing(tmp_path / "model") as partial:
        partial.write_bytes(b"new")
    assert contents(tmp_path) == {"music.flac": b"a user's own", "song.flac": b"new", "model": b"new"}


def test_of_two_who_share_a_target_the_last_wins_with_its_whole_file(tmp_path):
    target = tmp_path / "pictures.npy"
    with replacing(target, shared=True) as first, first.open("wb") as file:
        file.write(b"first, ")
        file.flush()
        with replacing(target, shared=True) as second:
            second.write_bytes(b"second")
        assert target.read_bytes() == b"second"
        file.write(b"whole")
    assert contents(tmp_path) == {"pictures.npy": b"first, whole"}


def test_text_is_utf_8_with_the_line_ends_it_has(tmp_path):
    write_text(tmp_path / "words.txt", "Grüße 🎵\nb\r\nc")
    assert contents(tmp_path) == {"words.txt": b"Gr\xc3\xbc\xc3\x9fe \xf0\x9f\x8e\xb5\nb\r\nc"}
