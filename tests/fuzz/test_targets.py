"""The targets in their quick form: octets of chance, seeds, and seeds with a few octets changed."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz import seeds
from tests.fuzz.targets import TARGETS, run

#: What parsers stumble over.
TOKENS = [
    b"\r\n", b"\n", b"\r", b"\0", b" ", b"  ", b"\t", b'"', b"\\", b"(", b")", b"<", b">", b"[", b"]", b"{3}\r\n",
    b"{3+}\r\n", b"{0}\r\n", b"{99999999999}\r\n", b"@", b":", b";", b",", b"*", b"%", b"&", b"&-", b"&AAA-",
    b"=", b"+", b"=?utf-8?q?", b"?=", b"\xff", b"\xc3\xa4", b"--b", b"--b--", b"\r\n.\r\n", b"\r\n\r\n", b"0",
    b"4294967296", b"9" * 25, b"(" * 60, b"BODY[", b"Content-Type: message/rfc822\r\n\r\n",
    b'Content-Type: multipart/mixed; boundary="b"\r\n\r\n',
]  # fmt: skip


def changed(seed: bytes, edits: list[tuple[int, int, bytes]]) -> bytes:
    """Each edit puts a token somewhere, in the place of some octets."""
    for place, length, token in edits:
        start = place % (len(seed) + 1)
        seed = seed[:start] + token + seed[start + length :]
    return seed


EDITS = st.lists(
    st.tuples(st.integers(0, 5000), st.integers(0, 5), st.sampled_from(TOKENS) | st.binary(max_size=3)), max_size=6
)


@pytest.mark.parametrize("name", TARGETS)
def test_seeds(name: str) -> None:
    """As they are: they are what the target is about."""
    assert seeds.of(name)
    for seed in seeds.of(name):
        run(name, seed)


@pytest.mark.parametrize("name", TARGETS)
def test_octets_of_chance(name: str) -> None:
    @settings(max_examples=100)
    @given(st.lists(st.sampled_from(TOKENS) | st.binary(max_size=8), max_size=20).map(b"".join))
    def any_octets(octets: bytes) -> None:
        run(name, octets)

    any_octets()


@pytest.mark.parametrize("name", TARGETS)
def test_seeds_with_a_few_octets_changed(name: str) -> None:
    known = seeds.of(name)

    @settings(max_examples=100)
    @given(st.sampled_from(known), EDITS)
    def nearly_right(seed: bytes, edits: list[tuple[int, int, bytes]]) -> None:
        run(name, changed(seed, edits))

    nearly_right()


def test_every_target_says_what_must_hold() -> None:
    assert all(str(function.__doc__).strip().endswith(".") for function in TARGETS.values())
