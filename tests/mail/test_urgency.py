"""The order in which mail leaves."""

from itertools import product

from mailservices.mail.urgency import OCTETS, RECIPIENTS, rank


def test_reports_come_before_letters_and_letters_before_circulars() -> None:
    report = rank(0, report=True, recipients=1, size=OCTETS * 9)
    letter = rank(0, report=False, recipients=RECIPIENTS, size=OCTETS)
    circulars = [
        rank(0, report=False, recipients=RECIPIENTS + 1, size=1),
        rank(0, report=False, recipients=1, size=OCTETS + 1),
    ]
    assert report > letter > circulars[0] == circulars[1]


def test_what_the_sender_said_counts_more() -> None:
    kinds = [{"report": report, "recipients": many, "size": 1} for report, many in product((True, False), (1, 99))]
    for lower, higher in zip(range(-9, 9), range(-8, 10), strict=True):
        assert max(rank(lower, **kind) for kind in kinds) < min(rank(higher, **kind) for kind in kinds)
