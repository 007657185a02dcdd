from pathlib import Path

import pytest
from bench.loading import Made


@pytest.fixture(scope="session")
def made(request) -> Made:
    """The made history, of as many calls as were asked for; PostgreSQL is left out where there is none."""
    server = request.getfixturevalue("postgres_server")
    return Made(
        Path(request.config.getoption("--bench-home")), request.config.getoption("--bench-calls"), server
    )
