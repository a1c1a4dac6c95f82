import stat

import pytest

from skmnist._files import write_whole


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
