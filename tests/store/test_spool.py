"""A message while it arrives: what is collected, what is refused, and that nothing of it stays behind."""

from pathlib import Path

import pytest

from mailservices.mail.errors import BadMessage, TooLarge, Unavailable
from mailservices.store.spool import HEADER_OCTETS, MEMORY_OCTETS, Spool


@pytest.mark.parametrize("size", [0, 1, MEMORY_OCTETS, MEMORY_OCTETS + 1, 3 * MEMORY_OCTETS])
@pytest.mark.parametrize("step", [1000, 65_536])
def test_header_and_body_are_what_came(tmp_path: Path, size: int, step: int) -> None:
    text = b"Subject: x\r\nTo: y\r\n\r\n" + bytes(range(256)) * (size // 256) + b"x" * (size % 256)
    with Spool(10 * MEMORY_OCTETS, tmp_path) as spool:
        for start in range(0, len(text), step):
            spool.write(text[start : start + step])
        spool.finish()
        assert spool.header == b"Subject: x\r\nTo: y\r\n\r\n"
        assert bytes(spool.body()) == text[len(spool.header) :]
    assert not list(tmp_path.iterdir())


def test_what_cannot_be_taken_is_said_at_the_end_and_not_kept(tmp_path: Path) -> None:
    for text, error in ((b"\r\n" + b"x" * 2000, TooLarge), (b"X: y\r\n" * (HEADER_OCTETS // 6 + 1), BadMessage)):
        with Spool(1000 if error is TooLarge else 10 * HEADER_OCTETS, tmp_path) as spool:
            spool.write(text)
            assert not spool.body()
            with pytest.raises(error):
                spool.finish()


def test_a_thread_that_still_reads_does_not_keep_it_from_closing(tmp_path: Path) -> None:
    spool = Spool(10 * MEMORY_OCTETS, tmp_path)
    spool.write(b"\r\n" + b"x" * 2 * MEMORY_OCTETS)
    spool.finish()
    with memoryview(spool.body()) as held:
        spool.close()
        assert held[0:1] == b"x"


def test_what_is_secret_gets_into_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_arguments: object) -> None:
        pytest.fail("a file was made")

    monkeypatch.setattr("tempfile.TemporaryFile", refuse)
    held = Spool.secrets_held
    with Spool(10 * MEMORY_OCTETS, tmp_path, secret=True) as spool:
        spool.write(b"\r\n" + b"x" * 2 * MEMORY_OCTETS)
        spool.write(b"y" * MEMORY_OCTETS)
        spool.finish()
        assert len(spool.body()) == 3 * MEMORY_OCTETS
        assert spool.body()[-1:] == b"y"
        assert Spool.secrets_held == held + 3 * MEMORY_OCTETS
    assert Spool.secrets_held == held


def test_more_secrets_than_there_is_memory_for_come_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mailservices.store.spool.SECRET_OCTETS", Spool.secrets_held + 3 * MEMORY_OCTETS)
    first, second = Spool(10 * MEMORY_OCTETS, secret=True), Spool(10 * MEMORY_OCTETS, secret=True)
    for spool in (first, second):
        spool.write(b"\r\n" + b"x" * 2 * MEMORY_OCTETS)
    first.finish()
    with pytest.raises(Unavailable):
        second.finish()
    first.close()
    with Spool(10 * MEMORY_OCTETS, secret=True) as third:
        third.write(b"\r\n" + b"x" * 2 * MEMORY_OCTETS)
        third.finish()
