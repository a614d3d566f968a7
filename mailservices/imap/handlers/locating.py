"""From a name to a folder: one's own, or somebody else's in which one has rights (RFC 4314)."""

from dataclasses import dataclass

from mailservices.imap.answers import No
from mailservices.imap.session import Session
from mailservices.mail.errors import NoSuchFolder
from mailservices.mail.rights import OWNER
from mailservices.mail.vocabulary import HIERARCHY, OTHERS
from mailservices.protocols.imap import names
from mailservices.store import mailboxes, rights
from mailservices.store.mailboxes import Folder


@dataclass(frozen=True, slots=True)
class Located:
    """A folder, whose it is, and what may be done with it."""

    account_id: int
    folder: Folder
    rights: str


def is_others(name: str) -> bool:
    """Whether the name is one under which folders of others are seen."""
    return name == OTHERS or name.startswith(OTHERS + HIERARCHY)


def shown(owner: str, name: str) -> str:
    """How a folder of somebody else's is called."""
    return HIERARCHY.join((OTHERS, owner, name))


async def locate(session: Session, name: str, needs: str) -> Located:
    """The folder, where all of these rights are held.

    Raises:
        NoSuchFolder: there is none, or it may not even be known that there is (RFC 4314 §6).
        No: a right is missing.
    """
    if not is_others(name):
        folder = await mailboxes.find(session.context.pool, session.account_id, name)
        return Located(session.account_id, folder, OWNER)
    _, owner, below = (*name.split(HIERARCHY, 2), "", "")[:3]
    found = await rights.find(session.context.pool, session.account_id, owner, below)
    if set(needs) <= set(found.rights):
        return Located(found.account_id, found.folder, found.rights)
    if "l" not in found.rights:
        raise NoSuchFolder
    raise No("NOPERM", "You have not the right to do that.")


def need(session: Session, letters: str) -> None:
    """In the selected folder.

    Raises:
        No: a right is missing.
    """
    if not set(letters) <= set(session.folder.rights):
        raise No("NOPERM", "You have not the right to do that.")


async def room_for(session: Session, name: str) -> tuple[int, str, Folder | None]:
    """Whose a new folder of this name would be, what it is called there, and whose rights it takes over.

    Raises:
        No: who does not own it needs a right in the nearest folder above (RFC 4314 §4: k).
    """
    if not is_others(name):
        return session.account_id, name, None
    _, owner, below = (*name.split(HIERARCHY, 2), "", "")[:3]
    pool = session.context.pool
    held = {one.folder.name: one for one in await rights.shared(pool, session.account_id) if one.owner == owner}
    above = names.superiors(below)
    for one in held.values():
        there = {folder.name for folder in await mailboxes.all_folders(pool, one.account_id)}
        nearest = held.get(next((superior for superior in reversed(above) if superior in there), ""))
        if nearest is not None and "k" in nearest.rights:
            return one.account_id, below, nearest.folder
        break
    raise No("NOPERM", "You have not the right to make a folder there.")


def refuse_others(name: str) -> None:
    """What is noted about folders of others is whoever's they belong to.

    Raises:
        No: the name is one of theirs.
    """
    if is_others(name):
        raise No("NOPERM", "That is up to the folder's owner.")
