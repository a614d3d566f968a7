"""What is short is worked out once; what is long is worked out each time, and not kept."""

from mailservices.mail.remembering import SHORT_OCTETS, remembered


def test_only_short_octets_are_remembered() -> None:
    asked: list[tuple[int, int]] = []

    @remembered(2)
    def twice(octets: bytes, more: int = 0) -> bytes:
        asked.append((len(octets), more))
        return octets * 2

    short, long = b"x" * SHORT_OCTETS, b"x" * (SHORT_OCTETS + 1)
    for octets in (short, long, short, long):
        assert twice(octets) == octets * 2
    assert asked == [(200, 0), (201, 0), (201, 0)]
    twice(short, more=1)
    twice(short, more=1)
    assert asked[3:] == [(200, 1)]
    for octets in (b"a", b"b", short):
        twice(octets)
    assert asked[-1] == (200, 0), "no more are kept than so many"
