"""Dots at the beginning of lines, doubled: how a text is told from its end (RFC 5321 §4.5.2, RFC 1939 §3)."""

END = b".\r\n"


class Stuffer:
    """A message on its way: a dot at the beginning of a line gets another one, wherever the pieces are cut.

    LF alone begins a line here, too: a client that reads lines so would else take ".": the end of the message.
    """

    def __init__(self) -> None:
        self._last = b"\r\n"

    def stuff(self, piece: bytes) -> bytes:
        """The next octets."""
        if not piece:
            return b""
        first = piece.startswith(b".") and self._last.endswith(b"\n")
        self._last = (self._last + piece[-2:])[-2:]
        stuffed = piece.replace(b"\n.", b"\n..")
        return b"." + stuffed if first else stuffed

    def end(self) -> bytes:
        """What closes the message: a line end where it had none, and the dot."""
        return END if self._last == b"\r\n" else b"\r\n" + END
