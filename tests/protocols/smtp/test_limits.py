"""LIMITS as other hosts announce it (RFC 9422)."""

import pytest

from mailservices.protocols.smtp.limits import Limits, read


@pytest.mark.parametrize(
    ("text", "limits"),
    [
        ("", Limits()),
        ("RCPTMAX=20", Limits(recipients=20)),
        ("rcptmax=20 MAILMAX=5 RCPTDOMAINMAX=1 NEW=x", Limits(5, 20)),
        ("MAILMAX=0 RCPTMAX=-1", Limits()),
        ("MAILMAX=1234567 RCPTMAX", Limits()),
        ("MAILMAX=007 RCPTMAX=\N{ARABIC-INDIC DIGIT THREE}", Limits()),
    ],
)
def test_what_is_understood_counts(text: str, limits: Limits) -> None:
    assert read(text) == limits
