"""POP2 responses (RFC 937): the first character tells the kind."""

from mailservices.protocols.pop2 import responses


def test_each_kind() -> None:
    assert responses.ok("POP2 ready") == b"+ POP2 ready\r\n"
    assert responses.error("no") == b"- no\r\n"
    assert responses.count(13) == b"#13 messages\r\n"
    assert responses.length(537) == b"=537 characters\r\n"
