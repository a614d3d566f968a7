"""Where keys are found, as draft-koch-openpgp-webkey-service says."""

import pytest

from mailservices.mail import wkd
from mailservices.mail.address import parse


def test_the_example_of_the_draft() -> None:
    assert wkd.hashed("Joe.Doe") == "iy9q119eutrkn8s1mk4r39qejnbu3n5q"
    advanced, direct = wkd.urls(parse("Joe.Doe@example.org"))
    root = "/.well-known/openpgpkey"
    name = "hu/iy9q119eutrkn8s1mk4r39qejnbu3n5q?l=Joe.Doe"
    assert advanced == f"https://openpgpkey.example.org{root}/example.org/{name}"
    assert direct == f"https://example.org{root}/{name}"


def test_only_letters_of_ascii_lose_their_case() -> None:
    assert wkd.hashed("ÄRGER") == wkd.hashed("Ärger") != wkd.hashed("ärger")


@pytest.mark.parametrize(
    ("path", "asked"),
    [
        ("/policy", ("", "policy", "")),
        ("/example.org/policy", ("example.org", "policy", "")),
        ("/submission-address", ("", "submission-address", "")),
        ("/hu/iy9q119eutrkn8s1mk4r39qejnbu3n5q", ("", "", "iy9q119eutrkn8s1mk4r39qejnbu3n5q")),
        (
            "/example.org/hu/iy9q119eutrkn8s1mk4r39qejnbu3n5q",
            ("example.org", "", "iy9q119eutrkn8s1mk4r39qejnbu3n5q"),
        ),
    ],
)
def test_what_a_path_asks_for(path, asked) -> None:
    assert wkd.asked(path) == asked


@pytest.mark.parametrize("path", ["", "/", "/hu/", "/hu/short", "/a/b/policy", "/policy/", "/hu/" + "y" * 33])
def test_what_no_path_is(path) -> None:
    assert wkd.asked(path) is None
