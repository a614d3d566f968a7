"""S/MIME 4.0 (RFC 8550, RFC 8551) over CMS (RFC 5652): nothing here computes, `cryptography` does.

- certificates.py  what a certificate says of itself, and whether it is too weak
- bringing.py      what people bring: PEM, DER, PKCS #12; what they ask an issuer for
- enveloped.py     encrypt and decrypt
- signed.py        sign; read signatures
- verifying.py     whether a signature holds, and for whom
- trust.py         whether a chain leads to a root that is trusted for mail
- learning.py      which certificate a good signature teaches
- entities.py      the MIME around it
"""
