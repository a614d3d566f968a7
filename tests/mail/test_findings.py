"""Findings are values; results are the words of RFC 8601."""

from mailservices.mail.findings import Finding, Result


def test_a_finding_is_a_value_with_a_word_that_headers_may_hold() -> None:
    found = Finding("spf", Result.PASS, properties=(("smtp.mailfrom", "example.org"),))
    assert found == Finding("spf", Result("pass"), "", (("smtp.mailfrom", "example.org"),))
    assert {str(result) for result in Result} == {
        "none", "pass", "fail", "softfail", "neutral", "policy", "temperror", "permerror",
    }  # fmt: skip
