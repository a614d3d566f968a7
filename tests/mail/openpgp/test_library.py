"""What goes wrong in the library is one error, even a panic."""

import pytest

from mailservices.mail.openpgp.library import errors
from mailservices.mail.privacy import PrivacyError


class PanicException(BaseException):
    """As the library's binding calls it."""


@pytest.mark.parametrize("raised", [RuntimeError("why\n\nStack"), PanicException("why"), PrivacyError("why")])
def test_one_error(raised: BaseException) -> None:
    with pytest.raises(PrivacyError) as found, errors("what"):
        raise raised
    assert "Stack" not in str(found.value)


@pytest.mark.parametrize("raised", [KeyboardInterrupt(), KeyError("ours")])
def test_what_is_not_the_library_s_passes(raised: BaseException) -> None:
    with pytest.raises(type(raised)), errors("what"):
        raise raised
