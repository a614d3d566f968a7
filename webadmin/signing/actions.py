"""The verbs of DKIM keys, called by pages, API and the directory's verbs alike.

The workers do the same on schedule (workers/signing.py): make the next keys in time, and let them sign once they
are published.
"""

from datetime import UTC, datetime

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db.models.functions import Now
from django.utils.translation import gettext

from mailservices.mail.dkim import custody
from mailservices.mail.dkim.signature import Algorithm
from mailservices.mail.vocabulary import KeyState
from webadmin.audit.record import Actor, record
from webadmin.directory.models import Domain
from webadmin.scope import Right, verb
from webadmin.signing.models import DkimKey


def first_keys(domain: Domain) -> None:
    """The keys of a new domain, inside the verb that creates it. They sign at once."""
    for algorithm in Algorithm:
        _make(domain, algorithm, KeyState.ACTIVE)


@verb(Right.MANAGE)
def prepare_keys(actor: Actor, domain: Domain) -> list[DkimKey]:
    """Make the next keys where there are none yet: to be published before they sign."""
    _lock(domain)
    there = {key.algorithm: key for key in domain.dkim_keys.filter(state=KeyState.NEXT)}
    keys = [there.get(algorithm.value) or _make(domain, algorithm, KeyState.NEXT) for algorithm in Algorithm]
    if made := [key.selector for key in keys if key.algorithm not in there]:
        record(actor, "prepare DKIM keys", domain.name, after={"selectors": made})
    return keys


@verb(Right.MANAGE)
def rotate_keys(actor: Actor, domain: Domain) -> list[DkimKey]:
    """Sign with the next keys from now on; those that signed stay published until their mail has arrived."""
    _lock(domain)
    following = list(domain.dkim_keys.filter(state=KeyState.NEXT))
    if not following:
        raise ValidationError(
            gettext("There are no next keys: prepare them, publish their records, then switch to them.")
        )
    algorithms = [key.algorithm for key in following]
    before = domain.dkim_keys.filter(state=KeyState.ACTIVE, algorithm__in=algorithms)
    retired = list(before.values_list("selector", flat=True))
    before.update(state=KeyState.RETIRED, retired_at=Now())
    domain.dkim_keys.filter(pk__in=[key.pk for key in following]).update(state=KeyState.ACTIVE, activated_at=Now())
    active = [key.selector for key in following]
    record(actor, "rotate DKIM keys", domain.name, {"selectors": retired}, {"selectors": active})
    return list(domain.dkim_keys.filter(state=KeyState.ACTIVE))


def _lock(domain: Domain) -> None:
    """Two that change a domain's keys take turns."""
    Domain.objects.select_for_update().get(pk=domain.pk)


def _make(domain: Domain, algorithm: Algorithm, state: KeyState) -> DkimKey:
    now = datetime.now(UTC)
    kept = custody.new(domain.name, algorithm, settings.CONFIG.sealing_key, now.date())
    return DkimKey.objects.create(
        domain=domain,
        selector=kept.selector,
        algorithm=kept.algorithm.value,
        state=state.value,
        sealed=kept.sealed,
        record=kept.record,
        activated_at=now if state is KeyState.ACTIVE else None,
    )
