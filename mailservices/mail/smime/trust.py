"""Whether a certificate leads to a root that is trusted for mail (RFC 5280 §6, RFC 8550 §4).

The library walks the chain; what it asks of each certificate is said here: whoever issues may issue, and an
extended key usage, where there is one, holds mail all the way up (RFC 8550 §4.4.4).
"""

import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID
from cryptography.x509.verification import (
    Criticality,
    ExtensionPolicy,
    Policy,
    PolicyBuilder,
    Store,
    VerificationError,
)

from mailservices.mail.smime import certificates

#: Certificates between the signer's and the root.
DEPTH: Final = 8
#: Characters of the library's words that are passed on.
WORDS: Final = 200

#: What stands around the library's words.
_FRAME: Final = re.compile(
    r"validation failed: |candidates exhausted: |Python extension validator failed: ValueError: "
    r"| \(encountered processing.*",
    re.DOTALL,
)
_NO_WAY: Final = "no interior errors"
_MAIL: Final = {ExtendedKeyUsageOID.EMAIL_PROTECTION, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE}


def _for_mail(_: Policy, __: x509.Certificate, usage: x509.ExtendedKeyUsage | None) -> None:
    if usage is not None and _MAIL.isdisjoint(usage):
        raise ValueError("it is not for mail")


def _signs_certificates(_: Policy, __: x509.Certificate, usage: x509.KeyUsage | None) -> None:
    """RFC 5280 §4.2.1.3."""
    if usage is not None and not usage.key_cert_sign:
        raise ValueError("its issuer may not issue")


_SIGNER: Final = ExtensionPolicy.permit_all().may_be_present(
    x509.ExtendedKeyUsage, Criticality.AGNOSTIC, _for_mail
)
_ISSUER: Final = (
    ExtensionPolicy.permit_all()
    .may_be_present(x509.ExtendedKeyUsage, Criticality.AGNOSTIC, _for_mail)
    .may_be_present(x509.KeyUsage, Criticality.AGNOSTIC, _signs_certificates)
    # RFC 5280 §4.2.1.9: what is in it, the library asks of itself.
    .require_present(x509.BasicConstraints, Criticality.AGNOSTIC, None)
)


class Roots:
    """Whom the appliance trusts to say whose a certificate is; none: nobody."""

    def __init__(self, trusted: Iterable[x509.Certificate]) -> None:
        found = list(trusted)
        self.count = len(found)
        self._store = Store(found) if found else None

    def chain(self, signer: x509.Certificate, others: Sequence[x509.Certificate], now: datetime) -> "Chain":
        """The way to a root by these others."""
        if signer.issuer == signer.subject:
            return Chain((), "it is signed by itself")
        if self._store is None:
            return Chain((), "no root is trusted")
        verifier = (
            PolicyBuilder()
            .store(self._store)
            .time(now.replace(tzinfo=None))
            .max_chain_depth(DEPTH)
            .extension_policies(ca_policy=_ISSUER, ee_policy=_SIGNER)
            .build_client_verifier()
        )
        try:
            found = verifier.verify(signer, list(others)).chain
        except VerificationError as error:
            return Chain((), _words(error))
        return Chain(tuple(found[1:]), "")


class Chain:
    """Certificates above the signer's, up to the root; or why there is no way."""

    def __init__(self, above: tuple[x509.Certificate, ...], refusal: str) -> None:
        self.above = above
        self.refusal = refusal

    @property
    def der(self) -> bytes:
        """Without the root."""
        return b"".join(certificates.der(one) for one in self.above[:-1])


def _words(error: VerificationError) -> str:
    """What the library says, without its frame."""
    said = _FRAME.sub("", str(error)).partition("\n")[0]
    return "no way to a trusted root" if said.endswith(_NO_WAY) else said[:WORDS]
