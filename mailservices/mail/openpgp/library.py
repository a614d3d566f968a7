"""The one place that meets the library: whatever goes wrong in it is one error, with one line of words.

The library encrypts to certificates that have expired or were revoked, and says so nowhere: whoever encrypts looks
at `keys.describe` first.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from mailservices.mail.privacy import PrivacyError

#: Characters of the library's words that are passed on.
WORDS = 200


@contextmanager
def errors(what: str) -> Iterator[None]:
    """Turns what the library raises into PrivacyError("<what>: <why>")."""
    try:
        yield
    except PrivacyError:
        raise
    except (RuntimeError, ValueError, TypeError, OSError, OverflowError) as error:
        raise PrivacyError(f"{what}: {_first_line(error)}") from error
    except BaseException as error:
        # A panic in the library: it is no Exception, so that nobody takes it for one.
        if type(error).__name__ != "PanicException":
            raise
        raise PrivacyError(f"{what}: it cannot be read") from error


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0][:WORDS]
