"""What nobody needs any more goes: an account that was deleted long ago, with all that belongs to it."""

from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from mailservices.store import maintenance
from mailservices.store.pool import Pool
from tests.conftest import Person, orm
from webadmin.audit.record import OPERATOR
from webadmin.directory import actions, pop, signin
from webadmin.directory.models import Account
from webadmin.own import actions as own
from webadmin.own.models import Answered, Recovery
from webadmin.policy import actions as policy
from webadmin.privacy import actions as privacy
from webadmin.privacy.directory import set_directory
from webadmin.privacy.models import Directory, Notice, Submission
from webadmin.privacy.policy import change_policy
from webadmin.privacy.requests import request_certificate

LEADING_TO_ACCOUNTS = """
SELECT conrelid::regclass::text FROM pg_constraint
WHERE contype = 'f' AND confrelid = 'directory_account'::regclass ORDER BY 1
"""
#: Removed with the account by the verb, long before.
BEFORE = {"directory_address", "directory_administrator"}


async def test_an_account_that_was_deleted_long_ago_goes_with_all_of_it(pool: Pool, alice: Person) -> None:
    def delete() -> None:
        account = Account.objects.select_related("domain").get(pk=alice.account_id)
        signin.create_app_password(OPERATOR, account, "phone")
        pop.change_pop(OPERATOR, account, active=False)
        policy.withhold(OPERATOR, ["QRESYNC"], account)
        actions.lend_addresses(OPERATOR, account, [f"other@{account.domain.name}"])
        own.forward(OPERATOR, account, ["x@far.test"])
        own.change_vacation(OPERATOR, account, text="Away.")
        Answered.objects.create(account=account, sender="x@far.test")
        Recovery.objects.create(account=account, address="x@far.test")
        privacy.generate(OPERATOR, account, account.address)
        request_certificate(OPERATOR, account, account.address, "EC P-256")
        change_policy(OPERATOR, account, sign="openpgp")
        set_directory(OPERATOR, account.domain, active=False, submission=account.address)
        Notice.objects.create(account=account, about=Notice.BROKEN)
        Submission.objects.create(
            account=account, address=account.address, nonce=account.address, public=b"", expires_at=timezone.now()
        )
        actions.delete_account(OPERATOR, account)
        Account.objects.filter(pk=account.pk).update(deleted_at=timezone.now() - timedelta(days=31))

    await orm(delete)
    while await maintenance.drop_accounts(pool, 100):
        pass
    assert not await orm(lambda: Account.objects.filter(pk=alice.account_id).exists())
    # The domain's own choice stays.
    row = await orm(lambda: Directory.objects.get(domain__name=alice.address.rpartition("@")[2]))
    assert (row.active, row.submission, row.account_id) == (False, "", None)


@pytest.mark.django_db
def test_nothing_that_leads_to_an_account_is_forgotten() -> None:
    with connection.cursor() as cursor:
        cursor.execute(LEADING_TO_ACCOUNTS)
        tables = {row[0] for row in cursor.fetchall()}
    told = {one.removeprefix("DELETE FROM ").removeprefix("UPDATE ").split()[0] for one in maintenance.DEAD_REST}
    assert tables - told - BEFORE == set()
