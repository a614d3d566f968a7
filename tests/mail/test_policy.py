"""The defaults are what docs/operating.md promises, and nothing is asked where nothing is to be."""

from mailservices.mail.policy import DMARC_ACTIONS, NO_CHECKS, PLAIN_ACTIONS, Action, Inbound


def test_a_new_domain_notes_and_follows_dmarc() -> None:
    policy = Inbound()
    assert {policy.spf, policy.dkim, policy.iprev, policy.helo} == {Action.NOTE}
    assert policy.dmarc is Action.APPLY
    assert policy.dnslists
    assert not policy.greylist


def test_no_checks_are_none() -> None:
    policy = NO_CHECKS
    assert {policy.spf, policy.dkim, policy.dmarc, policy.iprev, policy.helo} == {Action.OFF}
    assert not policy.dnslists
    assert not policy.greylist


def test_only_dmarc_knows_a_wish_of_the_sender() -> None:
    assert Action.APPLY in DMARC_ACTIONS
    assert Action.APPLY not in PLAIN_ACTIONS
    assert Action.REFUSE not in DMARC_ACTIONS
