"""Tests of the deliverer run in an event loop."""

import pytest


@pytest.fixture
def anyio_backend() -> str:
    """Return the kind of loop that the deliverer has."""
    return "asyncio"
