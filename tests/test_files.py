import stat

import pytest
from filelock import Timeout

from skmnist._files import sole_writer, write_whole


def test_file_holds_what_was_written_and_others_may_read_it(tmp_path):
    write_whole(tmp_path / "model", lambda file: file.write(b"weights"))
    (tmp_path / "usual").write_bytes(b"")
    path, usual = tmp_path / "model", tmp_path / "usual"
    assert path.read_bytes() == b"weights"
    assert stat.S_IMODE(path.stat().st_mode) == stat.S_IMODE(usual.stat().st_mode)


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "model"
    path.write_text("old")

    def fail_half_way(file):
        file.write(b"half")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        write_whole(path, fail_half_way)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_one_writer_at_a_time_who_clears_up_what_was_left(tmp_path):
    path = tmp_path / "model"
    left, other = tmp_path / f".model.{'0f' * 16}", tmp_path / ".model.of mine"
    left.touch()
    other.touch()
    with sole_writer(path):
        assert not left.exists()
        with pytest.raises(Timeout), sole_writer(path):
            pass
        with sole_writer(tmp_path / "model 2"):
            pass
    with sole_writer(path):
        path.touch()
    assert sorted(tmp_path.iterdir()) == sorted([other, path])


def test_a_folder_that_is_not_there_is_not_made(tmp_path):
    with (
        pytest.raises(FileNotFoundError, match="no folder"),
        sole_writer(tmp_path / "no folder" / "model"),
    ):
        pass
    assert list(tmp_path.iterdir()) == []
