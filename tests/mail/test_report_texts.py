"""Every language says everything."""

import pytest

from mailservices.mail.report_texts import ENGLISH, LANGUAGES, WORDS


def test_every_language_that_can_be_chosen_has_its_words() -> None:
    assert set(WORDS) == set(LANGUAGES)
    assert ENGLISH in WORDS


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_language_has_every_kind_and_lines_that_mail_may_have(language: str) -> None:
    words = WORDS[language]
    assert set(words.kinds) == set(WORDS[ENGLISH].kinds)
    assert words.said.format(host="mx.test").startswith("mx.test ")
    assert words.preamble.isascii()
    for text in words.kinds.values():
        assert all((text.subject, text.opening, text.advice))
        assert len(text.subject) < 70
        assert "\n" not in text.subject + text.opening + text.advice
