"""What LIST answers: the examples of RFC 5258 §5 and RFC 9051 §6.3.9.8, in our words, and what they leave open."""

import pytest

from mailservices.protocols.imap.listing import Line, lines
from mailservices.protocols.imap.requests.folders import List

ROLES = {"INBOX": "", "Fruit": "", "Fruit/Apple": "", "Fruit/Pear/Old": "", "Sent": "Sent", "Vegetable": ""}
SUBSCRIBED = {"INBOX", "Fruit/Apple", "Fruit/Peach", "Tofu/Silken"}


def asked(*patterns: str, reference: str = "", select: str = "", returns: str = "") -> List:
    return List(reference, patterns, frozenset(select.split()), frozenset(returns.split()), extended=True)


def shown(command: List) -> dict[str, str]:
    return {line.name: " ".join(line.attributes + line.children) for line in lines(command, ROLES, SUBSCRIBED)}


def test_everything_with_inbox_first() -> None:
    assert lines(List("", ("*",)), ROLES, SUBSCRIBED) == [
        Line("INBOX", ("\\HasNoChildren",)),
        Line("Fruit", ("\\HasChildren",)),
        Line("Fruit/Apple", ("\\HasNoChildren",)),
        Line("Fruit/Pear", ("\\Noselect", "\\HasChildren")),
        Line("Fruit/Pear/Old", ("\\HasNoChildren",)),
        Line("Sent", ("\\HasNoChildren", "\\Sent")),
        Line("Vegetable", ("\\HasNoChildren",)),
    ]


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        # Several patterns; each name once.
        (asked("INBOX", "S*", "Sent"), {"INBOX": r"\HasNoChildren", "Sent": r"\HasNoChildren \Sent"}),
        (asked("%", reference="Fruit/"),
         {"Fruit/Apple": r"\HasNoChildren", "Fruit/Pear": r"\NonExistent \HasChildren"}),
        # Subscribed names need not be folders any more.
        (asked("*", select="SUBSCRIBED"),
         {"INBOX": r"\HasNoChildren \Subscribed", "Fruit/Apple": r"\HasNoChildren \Subscribed",
          "Fruit/Peach": r"\NonExistent \HasNoChildren \Subscribed",
          "Tofu/Silken": r"\NonExistent \HasNoChildren \Subscribed"}),
        (asked("%", returns="SUBSCRIBED CHILDREN"),
         {"INBOX": r"\HasNoChildren \Subscribed", "Fruit": r"\HasChildren", "Sent": r"\HasNoChildren \Sent",
          "Vegetable": r"\HasNoChildren"}),
        # A parent is told for the sake of those below it that are not told.
        (asked("%", select="SUBSCRIBED RECURSIVEMATCH"),
         {"INBOX": r"\HasNoChildren \Subscribed", "Fruit": r"\HasChildren SUBSCRIBED",
          "Tofu": r"\NonExistent \HasNoChildren SUBSCRIBED"}),
        (asked("*", select="SUBSCRIBED RECURSIVEMATCH"),
         {"INBOX": r"\HasNoChildren \Subscribed", "Fruit/Apple": r"\HasNoChildren \Subscribed",
          "Fruit/Peach": r"\NonExistent \HasNoChildren \Subscribed",
          "Tofu/Silken": r"\NonExistent \HasNoChildren \Subscribed"}),
        # RFC 6154 §5.2
        (asked("*", select="SPECIAL-USE"), {"Sent": r"\HasNoChildren \Sent"}),
        (asked("*", select="SPECIAL-USE SUBSCRIBED"), {}),
        # Remote folders are none of ours.
        (asked("Veg*", select="REMOTE"), {"Vegetable": r"\HasNoChildren"}),
        (asked("Nowhere"), {}),
    ],
)  # fmt: skip
def test_options(command: List, answer: dict[str, str]) -> None:
    assert shown(command) == answer


def test_a_client_of_rev2_knows_what_does_not_exist() -> None:
    (line,) = lines(List("", ("Fruit/Pear",)), ROLES, set(), rev2=True)
    assert line.attributes[0] == "\\NonExistent"
