"""A choice among very many says the same as Django's own."""

import re

from django import forms

from webadmin.dashboard.forms import LongSelect

CHOICES = [("", "itself"), ("1", 'a"b<c>&d'), ("2", "us.test")]


def told(html: str) -> str:
    """Without the space between tags."""
    return re.sub(r">\s+|\s+<", lambda match: match[0].strip(), html).strip()


def test_it_is_what_djangos_own_would_be() -> None:
    for value in ("", "1", "2", None):
        ours, theirs = LongSelect(choices=CHOICES), forms.Select(choices=CHOICES)
        attrs = {"class": "form-select"}
        assert told(ours.render("x", value, attrs)) == told(theirs.render("x", value, attrs))
