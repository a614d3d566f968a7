"""Settings that mail programs fetch by themselves: Thunderbird's, Outlook's and Apple's, for each domain.

Each is made of the domain and the address as it was sent; whether there is such an address is never looked up.
"""

import plistlib
import uuid
from collections.abc import Iterable
from xml.etree.ElementTree import Element, SubElement, tostring

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key, pkcs7
from django.conf import settings

from mailservices.mail import certificate
from webadmin.certificates.models import Certificate
from webadmin.own import programs
from webadmin.own.programs import Server

_ANSWER = "http://schemas.microsoft.com/exchange/autodiscover/responseschema/2006"
_SETTINGS = "http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a"
#: What the identifiers of profiles are made from: an address has the same ones each time.
_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_DNS, "facteur")


def thunderbird(domain: str) -> bytes:
    """Config-v1.1, as Thunderbird, K-9, Evolution, KMail and others read it; the best of each protocol first."""
    top = Element("clientConfig", version="1.1")
    provider = SubElement(top, "emailProvider", id=domain)
    _texts(provider, [("domain", domain), ("displayName", domain), ("displayShortName", domain)])
    for one in programs.servers():
        kind = "outgoingServer" if one.protocol == "smtp" else "incomingServer"
        _texts(
            SubElement(provider, kind, type=one.protocol),
            [
                ("hostname", one.host), ("port", str(one.port)),
                ("socketType", "SSL" if one.implicit else "STARTTLS"),
                ("authentication", "password-cleartext"), ("username", "%EMAILADDRESS%"),
            ],
        )  # fmt: skip
    return _document(top)


def outlook(address: str) -> bytes:
    """Autodiscover's answer in plain XML (MS-OXDSCLI §2.2.4): no Exchange, but servers by their protocols."""
    top = Element("Autodiscover", xmlns=_ANSWER)
    response = SubElement(top, "Response", xmlns=_SETTINGS)
    _texts(SubElement(response, "User"), [("DisplayName", address)])
    account = SubElement(response, "Account")
    _texts(account, [("AccountType", "email"), ("Action", "settings")])
    for one in (programs.best("imap"), programs.best("pop3"), programs.best("smtp")):
        _texts(
            SubElement(account, "Protocol"),
            [
                ("Type", one.protocol.upper()), ("Server", one.host), ("Port", str(one.port)),
                ("LoginName", address), ("DomainRequired", "off"), ("SPA", "off"), ("SSL", "on"),
                ("Encryption", "SSL"), ("AuthRequired", "on"),
            ],
        )  # fmt: skip
    return _document(top)


def apple(address: str, name: str = "") -> bytes:
    """A profile for Apple Mail, signed where the appliance has a certificate for its name.

    The password is not in it: it is asked for when the profile is installed.
    """
    imap, smtp = programs.best("imap"), programs.best("smtp")
    mail = {
        "PayloadType": "com.apple.mail.managed",
        "PayloadVersion": 1,
        "PayloadIdentifier": f"{settings.CONFIG.hostname}.mail",
        "PayloadUUID": str(uuid.uuid5(_NAMESPACE, f"mail {address}")),
        "PayloadDisplayName": address,
        "EmailAccountType": "EmailTypeIMAP",
        "EmailAccountDescription": address,
        "EmailAccountName": name or address,
        "EmailAddress": address,
        **_apple("Incoming", imap, address),
        **_apple("Outgoing", smtp, address),
        "OutgoingPasswordSameAsIncomingPassword": True,
    }
    profile = {
        "PayloadType": "Configuration",
        "PayloadVersion": 1,
        "PayloadIdentifier": f"{settings.CONFIG.hostname}.{address}",
        "PayloadUUID": str(uuid.uuid5(_NAMESPACE, f"profile {address}")),
        "PayloadDisplayName": f"Mail of {address}",
        "PayloadOrganization": settings.CONFIG.hostname,
        "PayloadContent": [mail],
    }
    return _signed(plistlib.dumps(profile))


def _apple(way: str, server: Server, address: str) -> dict[str, object]:
    return {
        f"{way}MailServerAuthentication": "EmailAuthPassword",
        f"{way}MailServerHostName": server.host,
        f"{way}MailServerPortNumber": server.port,
        f"{way}MailServerUseSSL": True,
        f"{way}MailServerUsername": address,
    }


def _signed(octets: bytes) -> bytes:
    """As CMS (RFC 5652 §5) with what it signs inside; as it is, where there is no certificate."""
    found = _certificate()
    if found is None:
        return octets
    chain, key = found
    private = load_pem_private_key(key, None)
    assert isinstance(private, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey)  # noqa: S101 - checked when brought
    first, *others = x509.load_pem_x509_certificates(chain)
    builder = pkcs7.PKCS7SignatureBuilder().set_data(octets).add_signer(first, private, SHA256())
    for one in others:
        builder = builder.add_certificate(one)
    return builder.sign(Encoding.DER, [pkcs7.PKCS7Options.Binary])


def _certificate() -> tuple[bytes, bytes] | None:
    """The chain that we present for our name, and its key: the one that lasts longest, else that of the files."""
    names = list(certificate.asked_for(settings.CONFIG.hostname))
    row = Certificate.objects.filter(names__overlap=names).order_by("-until").first()
    if row is not None:
        sealed = bytes(row.sealed)
        return row.chain.encode(), certificate.unseal(sealed, settings.CONFIG.sealing_key, row.fingerprint)
    chain, key = settings.CONFIG.tls_certificate, settings.CONFIG.tls_key
    if chain is None or key is None or not (chain.exists() and key.exists()):
        return None
    return bytes(chain.read_bytes()), bytes(key.read_bytes())


def _texts(parent: Element, values: Iterable[tuple[str, str]]) -> None:
    for name, text in values:
        SubElement(parent, name).text = text


def _document(top: Element) -> bytes:
    found: bytes = tostring(top, encoding="utf-8", xml_declaration=True)
    return found
