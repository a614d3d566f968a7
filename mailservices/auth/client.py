"""Who asks to be signed in, as the wire knows it: an address, and what TLS has made sure of."""

import ipaddress
import ssl
from collections.abc import Iterable
from dataclasses import dataclass

from cryptography import x509
from cryptography.x509.oid import ExtensionOID, NameOID

from mailservices.net import tls

#: Addresses of one certificate that are looked at.
NAMES = 20


@dataclass(frozen=True, slots=True)
class Client:
    """One client's connection."""

    #: Its IP address.
    peer: str
    #: What SCRAM can bind to (RFC 5929 §4); None without TLS.
    binding: bytes | None = None
    #: The addresses in its certificate, if TLS has verified one.
    certified: tuple[str, ...] = ()

    def within(self, networks: Iterable[str]) -> bool:
        """Whether it comes from one of these networks; where there are none, from anywhere."""
        chosen = [ipaddress.ip_network(network) for network in networks]
        try:
            return not chosen or any(ipaddress.ip_address(self.peer) in network for network in chosen)
        except ValueError:  # it is gone already
            return False


def meet(peer: str, secured: ssl.SSLObject | None) -> Client:
    """The client at the other end of a connection; `secured` is None while it speaks in plain text."""
    if secured is None:
        return Client(peer)
    # OpenSSL has verified whatever certificate there is: with a wrong one the handshake would have failed.
    certificate = secured.getpeercert(binary_form=True)
    return Client(peer, tls.end_point(secured.context), addresses(certificate) if certificate else ())


def addresses(certificate: bytes) -> tuple[str, ...]:
    """The mail addresses that a certificate is for (RFC 5280 §4.2.1.6); of old ones, in the subject's name."""
    try:
        read = x509.load_der_x509_certificate(certificate)
        try:
            names = read.extensions.get_extension_for_oid(ExtensionOID.SUBJECT_ALTERNATIVE_NAME).value
            found = (
                names.get_values_for_type(x509.RFC822Name)
                if isinstance(names, x509.SubjectAlternativeName)
                else []
            )
        except x509.ExtensionNotFound:
            found = []
        found = found or [str(name.value) for name in read.subject.get_attributes_for_oid(NameOID.EMAIL_ADDRESS)]
    except ValueError:
        return ()
    return tuple(found[:NAMES])
