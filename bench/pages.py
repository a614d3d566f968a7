"""`python -m bench.pages`: server time and queries of each page at a large site (bench/big.py), medians.

Every page must take less than 100 ms at the median and ask at most 12 queries. `ONLY=trace` measures some,
`ROLE=domain` as the administrator of three domains.
"""

import os
import statistics
import sys
import time

from bench import big

TURNS = 7
MILLISECONDS, QUERIES = 100, 12
#: Page -> its address; {account}, {domain}, {recipient} and {trace} are rows of the site.
PAGES = {
    "overview": "/",
    "chart of a day": "/traffic.json?hours=24",
    "chart of 30 days": "/traffic.json?hours=720",
    "domains": "/domains/",
    "domains by part of a name": "/domains/?q=77",
    "one domain": "/domains/{domain}/",
    "accounts": "/accounts/",
    "accounts by part of an address": "/accounts/?q=user777",
    "accounts of a domain": "/accounts/?domain=d77.big.test",
    "one account": "/accounts/{account}/",
    "aliases": "/aliases/",
    "routes": "/routes/",
    "policy": "/policy/",
    "certificates": "/certificates/",
    "sign-ins": "/sign-ins/",
    "blocklists": "/blocklists/",
    "deleted accounts": "/accounts/deleted/",
    "security": "/security/",
    "settings": "/settings/",
    "health": "/health/",
    "what if": "/rehearsal/",
    "audit": "/audit/",
    "trace": "/trace/",
    "trace by address": "/trace/?q=user4711@",
    "trace by a common word": "/trace/?q=invoice",
    "trace by two words": "/trace/?q=urgent+4711",
    "trace by a rare word": "/trace/?q=person77777@far7",
    "trace by nothing that is there": "/trace/?q=zebra",
    "trace by part of a Message-ID": "/trace/?q=<a1b2c3",
    "trace by IP address": "/trace/?q=198.51.7.9",
    "trace by network": "/trace/?q=198.51.7.",
    "one trace": "/trace/{trace}/",
    "queue": "/queue/",
    "queue, held": "/queue/?state=held",
    "queue, failed": "/queue/?state=failed",
    "queue by destination": "/queue/?destination=far77.test",
    "queue by destination and state": "/queue/?destination=far77.test&state=waiting",
    "queue by sender's domain": "/queue/?sender=d7.big.test",
    "queue by a rare word": "/queue/?q=to54321@",
    "queue by a common word": "/queue/?q=big.test",
    "queue by nothing that is there": "/queue/?q=zebra",
    "queue, older than a day": "/queue/?older=24&state=waiting",
    "one recipient": "/queue/{recipient}/",
    "suppressed": "/queue/suppressed/",
    "pools": "/routes/pools/",
    "groups": "/groups/",
    "reports": "/reports/",
    "reports of TLS": "/reports/tls/",
    "deliverability": "/reports/delivery/",
    "webhooks": "/webhooks/",
    "administrators": "/administrators/",
    "tenants": "/tenants/",
    "tokens": "/tokens/",
    "mail roots": "/certificates/mail/",
    "own sign-in": "/me/sign-in/",
    "API's operations": "/api/v1/docs/",
}


def main() -> int:
    supervisor = big.site()
    try:
        return measure()
    finally:
        supervisor.stop()


def measure() -> int:
    """How many pages were too slow, or asked too much."""
    from django.db import connection, reset_queries
    from django.test import Client
    from django.test.utils import CaptureQueriesContext

    from webadmin.directory.models import Account, Administrator, Domain, Role
    from webadmin.queue.models import Recipient
    from webadmin.trace.models import TraceEvent

    role = os.environ.get("ROLE", Role.APPLIANCE)
    administrator, _ = Administrator.objects.get_or_create(username=f"bench {role}", defaults={"role": role})
    if role == Role.DOMAIN:
        administrator.domains.set(Domain.objects.order_by("pk")[500:503])
    client, failed = Client(), 0
    client.force_login(administrator)
    rows = {
        "account": Account.objects.order_by("pk")[500].pk,
        "domain": Domain.objects.order_by("pk")[500].pk,
        "recipient": Recipient.objects.order_by("-pk")[500].pk,
        "trace": TraceEvent.objects.order_by("-at")[500].trace_id,
    }
    for name, address in PAGES.items():
        if os.environ.get("ONLY", "") not in name:
            continue
        took, asked = [], 0
        for _ in range(TURNS):
            reset_queries()
            with CaptureQueriesContext(connection) as queries:
                began = time.perf_counter()
                answer = client.get(address.format(**rows))
                took.append((time.perf_counter() - began) * 1000)
            asked = len(queries)
            if role != Role.APPLIANCE and answer.status_code in (403, 404):
                break
            assert answer.status_code == 200, (name, answer.status_code)
            if os.environ.get("SHOW"):
                for query in queries:
                    print(query["time"], query["sql"][:300])
        median = statistics.median(took)
        bad = median > MILLISECONDS or asked > QUERIES
        failed += bad
        print(f"{'BAD ' if bad else 'ok  '} {name:35} {median:7.1f} ms (first {took[0]:.0f}) {asked:3} queries")
    return failed


if __name__ == "__main__":
    sys.exit(main())
