import gc
from collections.abc import Iterator

import pytest
from llm_service import Service, running_service


@pytest.fixture(scope="session")
def service() -> Iterator[Service]:
    with running_service() as service:
        yield service


@pytest.fixture(scope="session", autouse=True)
def small_garbage() -> Iterator[None]:
    """All that was imported is left out of collecting, which several programs wait for."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()
