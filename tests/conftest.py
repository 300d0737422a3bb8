"""What all tests share."""

import pytest

pytest_plugins = ["tests.fixtures.store", "tests.fixtures.runs"]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave the long rounds out unless they are asked for by name of their mark."""
    if "storm" in (config.option.markexpr or ""):
        return
    long = [item for item in items if item.get_closest_marker("storm")]
    if long:
        config.hook.pytest_deselected(items=long)
        items[:] = [item for item in items if item not in long]
