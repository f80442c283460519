from collections.abc import AsyncIterator, Iterator

import openai
import pytest
import pytest_asyncio
from llm_service import Service, running_service

import tracekit
from tracekit import guard


@pytest.fixture
def service() -> Iterator[Service]:
    with running_service() as service:
        yield service


@pytest.fixture
def client(service: Service) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(api_key="test-key", base_url=service.url, max_retries=0) as client:
        yield client


@pytest_asyncio.fixture
async def async_client(service: Service) -> AsyncIterator[openai.AsyncOpenAI]:
    async with openai.AsyncOpenAI(
        api_key="test-key", base_url=service.url, max_retries=0
    ) as client:
        yield client


@pytest.fixture
def autologged() -> Iterator[None]:
    tracekit.openai.autolog()
    yield
    tracekit.openai.autolog(disable=True)


@pytest.fixture
def langchain_logged(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    tracekit.langchain.autolog()
    failures = guard.failures
    yield
    tracekit.langchain.autolog(disable=True)
    assert guard.failures == failures
    assert not [each for each in caplog.messages if "callback" in each]
