"""The records of all domains looked up, some at once: the overview tells what is not right."""

from django.utils.translation import gettext

from webadmin.audit.record import Actor
from webadmin.directory.models import Domain
from webadmin.jobs.models import Job
from webadmin.jobs.running import start
from webadmin.records import live
from webadmin.records.models import LastLook
from webadmin.scope import Right, verb, visible

#: Domains of one step.
AT_ONCE = 5


@verb(Right.MANAGE)
def begin(actor: Actor, back: str) -> Job:
    total = visible(actor, Domain).filter(active=True).count()
    return start(actor, "records", gettext("Looking up the records of all domains"), {}, total, back)


def step(job: Job, actor: Actor) -> bool:
    """The next ones, in the order of their keys."""
    domains = list(visible(actor, Domain).filter(active=True, pk__gt=job.at.get("pk", 0)).order_by("pk")[:AT_ONCE])
    for domain in domains:
        live.look_up(domain)
    if not domains:
        wrong = visible(actor, LastLook).exclude(problems=[]).count()
        job.outcome = (
            gettext("Something is not right with {wrong} of them.").format(wrong=wrong)
            if wrong
            else gettext("All of them are right.")
        )
        return True
    job.at = {"pk": domains[-1].pk}
    job.done += len(domains)
    return False
