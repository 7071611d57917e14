from __future__ import annotations

import multiprocessing
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from livecb.errors import LogError
from livecb.logs import START, Batch, FileLog


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "events.jsonl"


def _append_many(path: str, name: int) -> None:
    log = FileLog(path)
    for i in range(500):
        log.append(b"%d %d %b\n" % (name, i, b"x" * (50 + 40 * name)))


def test_processes_that_append_at_once_do_not_interleave(path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=_append_many, args=(str(path), name)) for name in range(3)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    seen: dict[int, list[int]] = {0: [], 1: [], 2: []}
    for line in FileLog(path).read().lines:
        name, number, rest = line.split(b" ")
        assert len(rest) == 50 + 40 * int(name)
        seen[int(name)].append(int(number))
    assert seen == {name: list(range(500)) for name in range(3)}


def test_a_torn_last_line_is_not_read_until_it_is_whole(path: Path) -> None:
    path.write_bytes(b"whole\nto")
    log = FileLog(path)
    assert log.read().lines == (b"whole",)
    assert log.end() == "6"
    with path.open("ab") as file:
        file.write(b"rn\n")
    assert log.read("6").lines == (b"torn",)


def test_a_line_of_many_chunks_is_read_whole_when_it_ends(path: Path) -> None:
    long = b"x" * (3 * (1 << 18) + 17)
    path.write_bytes(b"short\n" + long)
    log = FileLog(path)
    assert log.read("6").lines == ()
    log.append(b"mine\n")
    assert log.read("6").lines == (long, b"mine")
    assert log.read().cursor == "6"


def test_a_writer_that_finds_a_torn_line_keeps_it_from_its_own(path: Path) -> None:
    path.write_bytes(b"whole\nto")
    FileLog(path).append(b"mine\n")
    assert FileLog(path).read().lines == (b"whole", b"to", b"mine")


def test_a_file_cut_behind_the_reader_leads_to_a_reset(path: Path) -> None:
    log = FileLog(path)
    log.append(b"one\ntwo\nthree\n")
    cursor = log.read().cursor
    os.truncate(path, 4)
    batch = log.read(cursor)
    assert (batch.reset, batch.lines) == (True, (b"one",))


def test_a_cursor_in_the_middle_of_a_line_leads_to_a_reset(path: Path) -> None:
    log = FileLog(path)
    log.append(b"one\ntwo\n")
    assert log.read("2").reset


def test_a_missing_folder_is_an_error_that_names_the_file(tmp_path: Path) -> None:
    with pytest.raises(LogError, match=r"gone/events\.jsonl"):
        FileLog(tmp_path / "gone" / "events.jsonl").append(b"line\n")


def test_a_log_that_is_missing_keeps_the_cursors_that_it_will_have_again(path: Path, tmp_path: Path) -> None:
    FileLog(path).append(b"one\ntwo\n")
    cursor = FileLog(path).read(limit=1).cursor
    path.rename(tmp_path / "away")
    log = FileLog(path)
    assert log.read(cursor) == Batch((), (), cursor)
    (tmp_path / "away").rename(path)
    assert log.read(cursor).lines == (b"two",)


def test_nothing_is_created_by_reading(path: Path) -> None:
    assert FileLog(path).read() == FileLog(path).read(START)
    assert not path.exists()


def test_a_log_reopens_after_it_was_closed(path: Path) -> None:
    log = FileLog(path)
    log.append(b"one\n")
    log.close()
    log.append(b"two\n")
    assert log.read().lines == (b"one", b"two")


_FILL_THE_DISK = """
import resource, signal, sys
from livecb.errors import LogError
from livecb.logs import FileLog
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
log = FileLog(sys.argv[1])
log.append(b"a" * 59 + b"\\n")
resource.setrlimit(resource.RLIMIT_FSIZE, (100, resource.RLIM_INFINITY))
try:
    log.append(b"b" * 59 + b"\\n")
except LogError as error:
    print(error)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
log.append(b"c" * 59 + b"\\n")
"""


def test_a_write_that_the_disk_cuts_short_is_taken_back(path: Path) -> None:
    said = subprocess.run(
        [sys.executable, "-c", _FILL_THE_DISK, str(path)], check=True, capture_output=True, text=True
    ).stdout
    assert "the disk took 40 of 60 bytes" in said
    assert FileLog(path).read().lines == (b"a" * 59, b"c" * 59)
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY
