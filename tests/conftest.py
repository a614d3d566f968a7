"""The world of the tests: a migrated database, a fresh domain for each test, and its cast.

Alice has the mailbox that things happen to, Bob writes to her, Charlie should see nothing of it.
The engine's tests commit: each works in a domain of its own, so that they never meet.
"""

import asyncio
import dataclasses
import itertools
import os
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

import psycopg
import pytest
from django.db import connection, transaction
from django.test import TransactionTestCase
from django.test.utils import setup_databases
from hypothesis import HealthCheck, settings
from pytest_django.plugin import DjangoDbBlocker

from mailservices import config as configuration
from mailservices.config import Config
from mailservices.store.pool import Pool, open_pool
from webadmin.audit.record import OPERATOR
from webadmin.directory import actions
from webadmin.directory.models import Account, Domain

pytest_plugins = ["tests.services"]

# The same cases in every run, however slow the machine is: `make fuzz` is for new ones.
settings.register_profile("tests", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("tests")

Database = psycopg.Connection[tuple[object, ...]]
Value = TypeVar("Value")
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Person:
    """One of the cast: the row's id, the address and the password."""

    account_id: int
    address: str
    password: str


@pytest.fixture(scope="session")
def django_db_setup(
    django_test_environment: None, django_db_modify_db_settings: None, django_db_blocker: DjangoDbBlocker
) -> None:
    """The migrated database, for tests with the ORM and without. It goes away with the whole server."""
    with django_db_blocker.unblock():
        setup_databases(verbosity=0, interactive=False)
        # What undoes tests that commit.
        TransactionTestCase._fixture_teardown = lambda _case: empty_tables()  # type: ignore[method-assign]


def empty_tables() -> None:
    """But for what migrating writes. A few rows are deleted sooner than all tables are truncated."""
    names = connection.introspection.django_table_names(only_existing=True, include_views=False)
    tables = [name for name in names if name not in ("auth_permission", "django_content_type")]
    deletes = "; ".join(f"DELETE FROM {table}" for table in tables)
    with transaction.atomic(), connection.cursor() as cursor:
        # A replica checks nothing: rows may go in any order, the audit's, too. Whoever still writes is waited for.
        cursor.execute(f"SET LOCAL session_replication_role = replica; LOCK TABLE {', '.join(tables)}; {deletes}")


@pytest.fixture(scope="session")
def config(django_db_setup: None) -> Config:
    """The configuration of every process in a test: the one of this run, on the test's database."""
    loaded = configuration.load()
    name = str(connection.settings_dict["NAME"])
    return dataclasses.replace(loaded, database=dataclasses.replace(loaded.database, name=name))


@pytest.fixture(scope="session")
async def pool(config: Config) -> AsyncIterator[Pool]:
    """Connections for the engine's tests, as a service opens them."""
    opened = await open_pool(config.database, "test")
    yield opened
    await opened.close()


@pytest.fixture
def database(config: Config) -> Iterator[Database]:
    """What an operator sees at the database's own prompt."""
    d = config.database
    with psycopg.connect(
        host=d.host, port=d.port, user=d.user, password=d.password, dbname=d.name, autocommit=True
    ) as opened:
        yield opened


@pytest.fixture
def committed(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """The ORM outside any test transaction: what is made here, the servers see."""
    with django_db_blocker.unblock():
        yield
        connection.close()


async def orm(function: Callable[[], Value]) -> Value:
    """What the ORM does, it does in a thread of its own."""

    def carry_out() -> Value:
        try:
            return function()
        finally:
            connection.close()

    return await asyncio.to_thread(carry_out)


@pytest.fixture
def domain(committed: None) -> Domain:
    name = f"d{next(_numbers)}-{os.environ.get('PYTEST_XDIST_WORKER', 'gw')}.test"
    return actions.create_domain(OPERATOR, name)


def make_person(domain: Domain, name: str, quota_bytes: int | None = None) -> Person:
    password = f"{name}'s passphrase"
    account: Account = actions.create_account(OPERATOR, f"{name}@{domain.name}", password, quota_bytes)
    return Person(account.pk, account.address, password)


@pytest.fixture
def alice(domain: Domain) -> Person:
    return make_person(domain, "alice")


@pytest.fixture
def bob(domain: Domain) -> Person:
    return make_person(domain, "bob")


@pytest.fixture
def charlie(domain: Domain) -> Person:
    return make_person(domain, "charlie")
