"""What all tests share."""

import pytest
from hypothesis import settings

pytest_plugins = ["tests.fixtures.store", "tests.fixtures.runs"]


settings.register_profile("suite", derandomize=True, database=None)


def pytest_configure(config: pytest.Config) -> None:
    """The suite draws the same cases each time, so that a red run can be repeated; `make storm` draws new ones."""
    asked = config.option.markexpr or ""
    if "storm" not in asked.replace("not storm", ""):
        settings.load_profile("suite")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave the long rounds out unless they are asked for by name of their mark."""
    if "storm" in (config.option.markexpr or ""):
        return
    long = [item for item in items if item.get_closest_marker("storm")]
    if long:
        config.hook.pytest_deselected(items=long)
        items[:] = [item for item in items if item not in long]
