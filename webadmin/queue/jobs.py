"""A verb on very many recipients: in steps, each a transaction of bounded size."""

from datetime import datetime
from typing import Any

from webadmin.audit.record import Actor, record
from webadmin.jobs.models import Job
from webadmin.jobs.running import start
from webadmin.queue import actions
from webadmin.queue.models import Recipient, Route
from webadmin.scope import Right, verb, within

#: Recipients that a verb does at once, and those of one step of a job.
AT_ONCE = 1000


@verb(Right.MANAGE)
def begin(actor: Actor, name: str, chosen: dict[str, Any], back: str, **options: Any) -> Job:
    """The verb on all that this chooses now; what comes in later is not meant."""
    rows = within(actor, actions.choose(**chosen))
    last = rows.order_by("-pk").values_list("pk", flat=True).first() or 0
    total = rows.count()
    said = {key: value.pk if isinstance(value, Route) else value for key, value in options.items()}
    said |= {key: value.isoformat() for key, value in options.items() if isinstance(value, datetime)}
    known = {key: str(value) if key == "message" else value for key, value in chosen.items()}
    told = {"verb": name, "chosen": known, "options": said, "last": last}
    record(actor, f"{actions.VERBS[name].entry}, many", f"{total} recipients", after=known | actions.told(options))
    return start(actor, "queue", f"{total} recipients: {name}", told, total, back)


def step(job: Job, actor: Actor) -> bool:
    """The next ones, in the order of their keys."""
    told = job.told
    rows = within(actor, actions.choose(**told["chosen"])).filter(pk__gt=job.at.get("pk", 0), pk__lte=told["last"])
    pks = list(rows.order_by("pk").values_list("pk", flat=True)[:AT_ONCE])
    if not pks:
        job.outcome = f"{job.at.get('count', 0)} recipients are {actions.VERBS[told['verb']].said}."
        return True
    count = actions.VERBS[told["verb"]].act(Recipient.objects.filter(pk__in=pks), **_options(told["options"]))
    job.at = {"pk": pks[-1], "count": job.at.get("count", 0) + count}
    job.done += len(pks)
    return False


def _options(said: dict[str, Any]) -> dict[str, Any]:
    found = dict(said)
    if found.get("route"):
        found["route"] = Route.objects.filter(pk=found["route"]).first()
    if "expires_at" in found:
        found["expires_at"] = datetime.fromisoformat(found["expires_at"])
    return found
