"""What a search means, as SQL: the conditions of a tree of keys, the joins that they need, and the order.

The tree is cut where a key needs the text: every part of it that rows can answer becomes one boolean column, so
that each key has its meaning in one place.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from mailservices.mail.flags import DELETED, SEEN
from mailservices.mail.search import (
    All,
    And,
    Arrived,
    ChangedSince,
    Fuzzy,
    HasFlag,
    HasKeyword,
    InBody,
    InHeader,
    InSequence,
    InText,
    InUids,
    IsRecent,
    Key,
    Larger,
    Not,
    OfContent,
    Older,
    Or,
    Saved,
    Sent,
    Smaller,
    When,
    Younger,
    asks_for,
    leaves,
)
from mailservices.mail.sorting import By, SortKey
from mailservices.mail.wording import BETWEEN, spelled, words

#: Keys that need the message's text.
TEXT: tuple[type, ...] = (InHeader, InBody, InText)

#: Where a word is looked for by the index.
_TEXTS: dict[type, tuple[str, ...]] = {
    InHeader: ("w.header",), InBody: ("w.body",), InText: ("w.header", "w.body"),
}  # fmt: skip
#: Characters without which the index tells nothing of words.
TRIGRAM = 3
#: What a word in the text is worth beside one in the header.
OF_TEXT = 0.8

_COMPARED = {When.BEFORE: "<", When.ON: "=", When.SINCE: ">="}

#: Keys that compare a column with what they say: how, and their field.
_CONDITIONS = {
    OfContent: ("m.content_id = {}::uuid", "content_id"),
    ChangedSince: ("m.modseq >= {}::bigint", "modseq"),
    Larger: ("m.size > {}::bigint", "octets"),
    Smaller: ("m.size < {}::bigint", "octets"),
    Older: ("m.internaldate <= now() - make_interval(secs => {}::bigint)", "seconds"),
    Younger: ("m.internaldate >= now() - make_interval(secs => {}::bigint)", "seconds"),
}

#: RFC 5256 §2.2: where the sent date cannot be read, it is when the message arrived.
_ORDERS = {
    By.ARRIVAL: "m.internaldate",
    By.CC: "g.cc",
    By.DATE: "coalesce(c.sent_at, m.internaldate)",
    By.FROM: "g.sender",
    By.SIZE: "m.size",
    By.SUBJECT: "g.subject",
    By.TO: "g.recipient",
    By.DISPLAYFROM: "g.shown_sender",
    By.DISPLAYTO: "g.shown_to",
}
#: Of which there are few in a large folder, and indexes of mail_message.
_INDEXED = (Not(HasFlag(SEEN)), HasFlag(DELETED))
#: Of LIKE, and of regular expressions: characters that are to be taken as they are.
_SPECIAL = re.compile(r"[\\%_]")
_MEANT = re.compile(r"[\\^$.\[\]|()*+?{}]")
_ESCAPED = r"\\\g<0>"
#: The index has read into the message; and it has all that this says.
BEGUN = "EXISTS (SELECT FROM mail_wording r WHERE r.account_id = m.account_id AND r.content_id = m.content_id{0})"
READ = BEGUN.format(" AND r.whole")
#: Contents of which it has a part only.
_IN_PART = "SELECT w.content_id FROM mail_wording w WHERE w.account_id = $1 AND NOT w.whole"
_CONTENT = " JOIN mail_content c ON c.account_id = m.account_id AND c.content_id = m.content_id"
_WORDING = " LEFT JOIN mail_wording w ON w.account_id = m.account_id AND w.content_id = m.content_id"
_GIST = " LEFT JOIN mail_gist g ON g.account_id = m.account_id AND g.content_id = m.content_id"


@dataclass(frozen=True, slots=True)
class Answered:
    """Stands in the tree for a part that rows have answered: the number of its column."""

    column: int


@dataclass(frozen=True, slots=True)
class Seen:
    """What a session means by sequence numbers and \\Recent: UIDs."""

    uids: Callable[[InSequence | InUids], Sequence[int]]
    recent_from: int


def statement(
    key: Key, writer: "Writer", columns: str, conditions: Sequence[str], order: Sequence[SortKey]
) -> str:
    where = "".join(f" AND {condition}" for condition in conditions)
    ordered = [f"-{writer.relevancy(key)}" if one.by is By.RELEVANCY else _ORDERS[one.by] for one in order]
    ordered = [source + (" DESC" if one.reverse else "") for source, one in zip(ordered, order, strict=True)]
    sources = " ".join(ordered)
    joined = (_CONTENT if "c." in sources or asks_for(key, (Sent,)) else "") + (_GIST if "g." in sources else "")
    joined += _WORDING if writer.compares else ""
    account = "m.account_id + 0" if has_index(key) else "m.account_id"
    return (
        f"SELECT {columns} FROM mail_message m{joined} "  # noqa: S608 - ours
        f"WHERE {account} = $1 AND m.mailbox_id = $2{where} ORDER BY {', '.join([*ordered, 'm.uid'])}"
    )


def has_index(key: Key) -> bool:
    """Whether an index finds the few that there may be. Named plainly, the account would have the planner read all
    of a folder by the key where it takes most messages for such.
    """
    return any(one in _INDEXED for one in (key.keys if isinstance(key, And) else (key,)))


class Writer:
    """Writes conditions; what a client chose goes into arguments, never into the text."""

    def __init__(self, seen: Seen) -> None:
        self._seen = seen
        self.arguments: list[object] = []
        self.columns: list[str] = []
        #: Whether it reads the wording of each message, to tell how well that fits.
        self.compares = False
        #: Whether it looks for words in all wordings.
        self.looks_up = False

    def cut(self, key: Key) -> Any:
        """The same tree, with what rows can answer replaced by columns."""
        if not asks_for(key, TEXT):
            self.columns.append(self.condition(key))
            return Answered(len(self.columns) - 1)
        match key:
            case And(keys):
                return And(tuple(map(self.cut, keys)))
            case Or(left, right):
                return Or(self.cut(left), self.cut(right))
            case Not(inner):
                return Not(self.cut(inner))
            case _:
                return key

    def unread(self, until: int) -> str:
        """There is more to a message than the index has, which has read into all up to this UID."""
        return f"(m.uid > {self._argument(until)}::bigint AND NOT {READ} OR m.content_id IN ({_IN_PART}))"

    def condition(self, key: Key) -> str:
        match key:
            case And(keys):
                return "(" + " AND ".join(map(self.condition, keys)) + ")"
            case Or(left, right):
                return f"({self.condition(left)} OR {self.condition(right)})"
            case Not(HasFlag(bit)):
                return f"NOT {_flag(bit)}"
            case Not(inner):
                return f"NOT coalesce({self.condition(inner)}, false)"
            case InHeader() | InBody() | InText():
                return self._said(key)
            case Fuzzy(inner):
                return self._like_said(inner)
            case _:
                return self._leaf(key)

    def _leaf(self, key: Key) -> str:
        if type(key) in _CONDITIONS:
            condition, field = _CONDITIONS[type(key)]
            return condition.format(self._argument(getattr(key, field)))
        match key:
            case All():
                return "true"
            case HasFlag(bit):
                return _flag(bit)
            case HasKeyword(word):
                # RFC 9051 §2.3.2: keywords are compared without regard to case.
                return f"lower({self._argument(word)}::text) = ANY(lower(m.keywords::text)::text[])"
            case InUids() | InSequence():
                # Not bare, or the planner would join the set, whose size it does not know: this way it is hashed.
                return (
                    f"coalesce(m.uid IN (SELECT unnest({self._argument(self._seen.uids(key))}::bigint[])), false)"
                )
            case IsRecent():
                return f"m.uid >= {self._argument(self._seen.recent_from)}::bigint"
            case Arrived(when, day):
                return f"(m.internaldate AT TIME ZONE 'UTC')::date {_COMPARED[when]} {self._argument(day)}::date"
            case Saved(when, day):
                return f"(m.savedate AT TIME ZONE 'UTC')::date {_COMPARED[when]} {self._argument(day)}::date"
            case Sent(when, day):
                return f"c.sent_on {_COMPARED[when]} {self._argument(day)}::date"
            case _:
                raise TypeError(f"rows know nothing of {type(key).__name__}")

    def _said(self, key: InHeader | InBody | InText) -> str:
        """The index finds it by trigrams, once for the whole account; then rows are compared with that."""
        self.looks_up = True
        like = f"LIKE {self._argument(_like(key.text))}::text"
        match key:
            case InHeader(name, words):
                condition = self._field_said(name, words, like)
            case InBody():
                condition = f"w.body {like}"
            case InText():
                condition = f"(w.header {like} OR w.body {like})"
        return (
            "m.content_id IN (SELECT w.content_id FROM mail_wording w "  # noqa: S608 - ours
            f"WHERE w.account_id = $1 AND w.whole AND {condition})"
        )

    def _field_said(self, name: str, words: str, like: str) -> str:
        """The words alone leave little of all messages. Of that, the first field of this name is looked at; by an
        expression, which takes ten times as long, only where there are several. Without words, the field alone is
        what is looked for (RFC 9051 §6.4.4).
        """
        begins = f"{BETWEEN}{spelled(name)}: "
        narrow = f"LIKE {self._argument(f'%{_escaped(begins)}{_like(words)}')}" if len(words) < TRIGRAM else like
        field, between = f"{self._argument(begins)}::text", f"{self._argument(BETWEEN)}::text"
        first = f"split_part(split_part(w.header, {field}, 2), {between}, 1)"
        said = f"w.header ~ {self._argument(_pattern(name, words))}::text"
        return f"w.header {narrow} AND ({first} {like} OR split_part(w.header, {field}, 3) <> '' AND {said})"

    def _like_said(self, key: InHeader | InBody | InText) -> str:
        """The same for words each of which is said, or one like it; a field is then looked at by itself."""
        self.looks_up = True
        conditions = []
        for word in words(key.text):
            texts = _TEXTS[type(key)]
            conditions.append(" OR ".join(self._is_like(word, text) for text in texts))
            if isinstance(key, InHeader):
                conditions.append(self._is_like(word, self._field(key.name)))
        said = " AND ".join(f"({condition})" for condition in conditions)
        return f"m.content_id IN (SELECT w.content_id FROM mail_wording w WHERE w.account_id = $1 AND {said})"  # noqa: S608 - ours

    def _is_like(self, word: str, text: str) -> str:
        part, like = self._argument(_like(word)), self._argument(word)
        return f"{text} LIKE {part}::text OR {text} %> {like}::text"

    def _field(self, name: str) -> str:
        """What all fields of this name say."""
        pattern = self._argument(f"{BETWEEN}{_meant(name)}: ([^{BETWEEN}]*)")
        return (
            f"(SELECT string_agg(said[1], ' ') FROM regexp_matches(w.header, {pattern}::text, 'g') AS found(said))"  # noqa: S608 - ours
        )

    def relevancy(self, key: Key) -> str:
        """How well the fuzzy keys of a tree fit, on average: from 1 to 100 (RFC 6203 §4)."""
        self.compares = True
        fits = [fit for leaf in leaves(key) if isinstance(leaf, Fuzzy) for fit in self._fits(leaf.key)]
        return f"greatest(1, round(100 * coalesce(({' + '.join(fits)})::numeric / {len(fits)}, 0)))::int"

    def _fits(self, key: InHeader | InBody | InText) -> list[str]:
        """Of each word, how well it fits; one in the text tells less than one in the header."""
        match key:
            case InHeader(name):
                texts = [(self._field(name), 1.0)]
            case InBody():
                texts = [("w.body", 1.0)]
            case InText():
                texts = [("w.header", 1.0), ("w.body", OF_TEXT)]
        return [
            f"greatest({', '.join(self._fit(word, text, worth) for text, worth in texts)})"
            for word in words(key.text)
        ]

    def _fit(self, word: str, text: str, worth: float) -> str:
        part, like = self._argument(_like(word)), self._argument(word)
        return (
            f"{worth} * CASE WHEN {text} LIKE {part}::text THEN 1 ELSE word_similarity({like}::text, {text}) END"
        )

    def _argument(self, value: object) -> str:
        self.arguments.append(value)
        return f"${len(self.arguments) + 2}"


def _flag(bit: int) -> str:
    """Two have columns, which the conditions of indexes name."""
    return {SEEN: "m.seen", DELETED: "m.deleted"}.get(bit) or f"(m.flags & {int(bit)} <> 0)"


def _escaped(text: str) -> str:
    return re.sub(_SPECIAL, _ESCAPED, text)


def _like(words: str) -> str:
    return f"%{_escaped(spelled(words))}%"


def _meant(text: str) -> str:
    return re.sub(_MEANT, _ESCAPED, spelled(text))


def _pattern(name: str, words: str) -> str:
    """For a regular expression of PostgreSQL: a field of this name with these words in it."""
    return f"{BETWEEN}{_meant(name)}: [^{BETWEEN}]*{_meant(words)}"
