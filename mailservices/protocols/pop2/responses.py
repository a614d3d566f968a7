"""Responses of POP2 as octets (RFC 937): the first character says which kind it is."""


def ok(words: str) -> bytes:
    return f"+ {words}\r\n".encode()


def error(words: str) -> bytes:
    return f"- {words}\r\n".encode()


def count(messages: int) -> bytes:
    """How many messages the folder has."""
    return f"#{messages} messages\r\n".encode()


def length(octets: int) -> bytes:
    """How many octets the message has; 0: there is no such message."""
    return f"={octets} characters\r\n".encode()
