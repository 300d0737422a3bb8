pytest_plugins = ["tests.fixtures.store", "tests.fixtures.runs"]
