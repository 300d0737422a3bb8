"""Ring, recorder and tier reader together: any order of writes, wraps, crashes, clock steps and reads."""

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test
from tests.nodes.runtime.tier_machine import TierMachine

EXAMPLES = 250
"""About ten seconds."""
STORM = 20


def drive(examples: int) -> None:
    run_state_machine_as_test(
        TierMachine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=40,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
        ),
    )


def test_never_wrong_torn_or_doubled_and_missing_is_said() -> None:
    drive(EXAMPLES)


@pytest.mark.storm
@pytest.mark.timeout(3600)
def test_never_wrong_torn_or_doubled_and_missing_is_said_for_long() -> None:
    drive(EXAMPLES * STORM)
