"""Rows that a statement names one by one: each is looked up by its whole key.

Were the account and the folder compared with the statement's arguments, the planner would sooner read all of a
folder than look up ten of its messages, for it takes every folder to be of the usual size. As columns of what is
chosen, which it does not see through, they are part of the key and nothing else.
"""


def chosen_messages(account: str = "$1", mailbox: str = "$2", uids: str = "$3") -> str:
    """What `chosen` is in a statement that joins it by IS_CHOSEN; the arguments are SQL."""
    columns = f"{account}::bigint AS account_id, {mailbox}::bigint AS mailbox_id, unnest({uids}::bigint[]) AS uid"
    return f"(SELECT {columns} OFFSET 0) chosen"


#: A message `m` is a chosen one.
IS_CHOSEN = "m.account_id = chosen.account_id AND m.mailbox_id = chosen.mailbox_id AND m.uid = chosen.uid"

#: The same of contents, `c`, of the account $1; their ids are $2.
CONTENTS = "(SELECT $1::bigint AS account_id, unnest($2::uuid[]) AS content_id OFFSET 0) chosen"
IS_CONTENT = "c.account_id = chosen.account_id AND c.content_id = chosen.content_id"
