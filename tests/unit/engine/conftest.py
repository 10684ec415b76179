"""Fixtures of the tests of the engine."""

import pytest

from unit.engine.passes import Passes


@pytest.fixture
def passes() -> Passes:
    return Passes()
