"""TLS contexts, and the self-signed certificate that an appliance starts with.

Mozilla's intermediate profile, version 5.7: TLS 1.2 or later (RFC 8996), ciphers with forward secrecy of which the
client chooses the one that is quick for it, no session tickets, whose keys would outlive the sessions.
"""

import os
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import NamedTemporaryFile
from weakref import WeakKeyDictionary

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from mailservices import config as configuration
from mailservices.config import Config

CIPHERS = (
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"
    "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305:"
    "DHE-RSA-AES128-GCM-SHA256:DHE-RSA-AES256-GCM-SHA384:DHE-RSA-CHACHA20-POLY1305"
)
#: The group for the last three: ffdhe2048 (RFC 7919 appendix A.1).
GROUP = """\
-----BEGIN DH PARAMETERS-----
MIIBCAKCAQEA//////////+t+FRYortKmq/cViAnPTzx2LnFg84tNpWp4TZBFGQz
+8yTnc4kmz75fS/jY2MMddj2gbICrsRhetPfHtXV/WVhJDP1H18GbtCFY2VVPe0a
87VXE15/V8k1mE8McODmi3fipona8+/och3xWKE2rec1MKzKT0g6eXq8CrGCsyT7
YdEIqUuyyOP7uWrat2DX9GgdT0Kj3jlN9K5W7edjcrsZCwenyO4KbXCeAvzhzffi
7MA0BM0oNC9hkXL+nOmFg/+OTxIy7vKBg8P+OxtMb61zO7X8vC7CIAXFjvGDfRaD
ssbzSibBsu/6iGtCOGEoXJf//////////wIBAg==
-----END DH PARAMETERS-----
"""
SELF_SIGNED_DAYS = 825
#: What clients can bind to, of each context that a listener presents.
_end_points: WeakKeyDictionary[ssl.SSLContext, bytes] = WeakKeyDictionary()


def listening(*, asks: bool = False) -> ssl.SSLContext:
    """What speaks TLS on a listener; certificates are given to it, or chosen for each client.

    Args:
        asks: clients are asked for a certificate. A wrong one ends the handshake.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(CIPHERS)
    context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_TICKET
    context.options &= ~ssl.OP_CIPHER_SERVER_PREFERENCE
    context.num_tickets = 0
    context.verify_mode = ssl.CERT_OPTIONAL if asks else ssl.CERT_NONE
    return context


def server_context(certificate: Path, key: Path, password: str | None = None) -> ssl.SSLContext:
    """What presents this certificate; clients can bind to it.

    Raises:
        OSError, ssl.SSLError, ValueError: the files cannot be read or do not fit.
    """
    context = listening()
    context.load_cert_chain(certificate, key, password)
    with NamedTemporaryFile("w", suffix=".pem") as file:  # the library reads files only
        file.write(GROUP)
        file.flush()
        context.load_dh_params(file.name)
    _end_points[context] = _digest(certificate)
    return context


def end_point(context: ssl.SSLContext) -> bytes | None:
    """RFC 5929 §4.1: what a client of this context can bind to, tls-server-end-point."""
    return _end_points.get(context)


def _digest(certificate: Path) -> bytes:
    """By the hash of the certificate's own signature, but for those that are no good any more."""
    read = x509.load_pem_x509_certificates(certificate.read_bytes())[0]
    algorithm = read.signature_hash_algorithm
    if algorithm is None or isinstance(algorithm, hashes.MD5 | hashes.SHA1):
        algorithm = hashes.SHA256()
    return read.fingerprint(algorithm)


def files(config: Config) -> tuple[Path, Path]:
    """The appliance's own certificate and its key; a process where they cannot be used ends here."""
    if config.tls_certificate is None or config.tls_key is None:
        configuration.refuse("FACTEUR_TLS_CERTIFICATE and FACTEUR_TLS_KEY name no files.")
    try:
        context = server_context(config.tls_certificate, config.tls_key)
        if config.tls_client_ca is not None:
            context.load_verify_locations(config.tls_client_ca)
    except (OSError, ssl.SSLError, ValueError) as error:
        configuration.refuse(f"The TLS certificate cannot be used: {error}.")
    return config.tls_certificate, config.tls_key


def opportunistic_context() -> ssl.SSLContext:
    """What a sending worker uses where no policy asks for more: encrypted, not authenticated (RFC 7435)."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def verified_context() -> ssl.SSLContext:
    """Where the sender insists: the host's certificate has to be one of its name, from a known authority."""
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def make_self_signed(hostname: str, certificate: Path, key: Path) -> None:
    """Write a key and a certificate for this name, unless both are there."""
    if certificate.exists() and key.exists():
        return
    private = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, hostname)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=SELF_SIGNED_DAYS))
        .add_extension(
            x509.SubjectAlternativeName([x509.DNSName(hostname), x509.DNSName("localhost")]), critical=False
        )
        .sign(private, hashes.SHA256())
    )
    for path in (certificate, key):
        path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    handle = os.open(key, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(
            private.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
    certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
