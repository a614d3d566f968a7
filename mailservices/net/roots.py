"""The certificates that this machine trusts: of its system, else those that came with our libraries.

Debian's hold those that Mozilla trusts for mail besides those for hosts.
"""

import re
from pathlib import Path
from typing import Final

import certifi
from cryptography import x509

from mailservices import log
from mailservices.mail.privacy import PrivacyError
from mailservices.mail.smime import certificates

SYSTEM: Final = Path("/etc/ssl/certs/ca-certificates.crt")

_ONE: Final = re.compile(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", re.DOTALL)
_log = log.get()


def read(system: Path = SYSTEM) -> list[x509.Certificate]:
    """All that can be read: an odd one does no harm to the others."""
    path = system if system.is_file() else Path(certifi.where())
    found = []
    for match in _ONE.finditer(path.read_text()):
        try:
            found += certificates.load_pem(match[0].encode())
        except PrivacyError:
            _log.debug("root passed over", file=str(path))
    return found
