"""Every parser case runs three ways."""

import pytest

from tests.protocols.feeding import Feed, octet_by_octet, whole, with_a_tail


@pytest.fixture(params=[whole, octet_by_octet, with_a_tail])
def feed(request: pytest.FixtureRequest) -> Feed:
    chosen: Feed = request.param
    return chosen
