"""RFC 8474 §4: an ObjectID has 1 to 255 characters, letters, digits, hyphen and underscore."""

import re
from uuid import UUID

from mailservices.mail.object_id import content_id, email_id, mailbox_id


def test_an_email_id_is_the_contents() -> None:
    content_id = UUID("01890a5d-ac96-774b-bcce-b302099a8057")
    assert email_id(content_id) == email_id(content_id.bytes) == "M01890a5dac96774bbcceb302099a8057"
    assert re.fullmatch(r"[A-Za-z0-9_-]{1,255}", email_id(content_id))


def test_an_email_id_leads_back_to_its_content() -> None:
    content = UUID("01890a5d-ac96-774b-bcce-b302099a8057")
    assert content_id(email_id(content)) == content
    for other in ("", "M", "x", email_id(content)[:-1], email_id(content) + "0", email_id(content).upper()):
        assert content_id(other) is None


def test_a_mailbox_id_is_its_own() -> None:
    assert [mailbox_id(number) for number in (1, 31)] == ["F1", "F1f"]
