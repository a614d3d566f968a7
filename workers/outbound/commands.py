"""MAIL and RCPT as another host gets them: only with what it knows (RFC 5321 §4.1.1.11)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Parameters:
    """What MAIL may say of a message; used as far as the host knows it."""

    sender: str
    size: int
    eightbit: bool
    smtputf8: bool
    ret: str
    envid: str
    priority: int = 0
    require_tls: bool = False
    #: Seconds that are left, and mode (RFC 2852 §4); None where it was not asked for.
    by: tuple[int, str] | None = None

    def command(self, features: Mapping[str, str]) -> bytes:
        words = [f"MAIL FROM:<{self.sender}>"]
        words += [f"SIZE={self.size}"] if "SIZE" in features else []
        words += ["BODY=8BITMIME"] if self.eightbit and "8BITMIME" in features else []
        words += ["SMTPUTF8"] if self.smtputf8 and "SMTPUTF8" in features else []
        if "DSN" in features:
            words += [f"RET={self.ret}"] if self.ret else []
            words += [f"ENVID={self.envid}"] if self.envid else []
        words += [f"MT-PRIORITY={self.priority}"] if self.priority and "MT-PRIORITY" in features else []
        words += ["REQUIRETLS"] if self.require_tls and "REQUIRETLS" in features else []
        words += [f"BY={self.by[0]};{self.by[1]}"] if self.by and "DELIVERBY" in features else []
        return _line(words)


@dataclass(frozen=True, slots=True)
class Destination:
    """One recipient as RCPT tells it; `orcpt` and `notify` are ready to send, empty where absent."""

    address: str
    notify: str = ""
    orcpt: str = ""

    def command(self, features: Mapping[str, str]) -> bytes:
        words = [f"RCPT TO:<{self.address}>"]
        if "DSN" in features:
            words += [f"NOTIFY={self.notify}"] if self.notify else []
            words += [f"ORCPT={self.orcpt}"] if self.orcpt else []
        return _line(words)


def _line(words: Sequence[str]) -> bytes:
    return " ".join(words).encode() + b"\r\n"
