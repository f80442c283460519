"""Autologging of the OpenAI client: which functions are replaced, and what they tell a `Call`.

All requests of the client pass `request`, whatever is built on it (resources, helpers, raw and
streaming responses, Azure), and every HTTP response passes `_process_response`. A `Call`, in
`_openai_call`, makes a span of what they tell; what is read is in `_openai_request`,
`_openai_response` and `_openai_stream`; how a stream is followed, in `_http_stream`.
"""

import functools
import sys
import time
from contextvars import ContextVar, Token
from typing import Any

from tracekit import config, guard
from tracekit.errors import MissingExtraError
from tracekit.integrations import _imports
from tracekit.integrations._openai_call import Call
from tracekit.integrations._patch import Patches
from tracekit.tracing import active

_LIBRARY = "openai"
_patches = Patches()
_running: ContextVar[Call | None] = ContextVar("tracekit_openai_call", default=None)


def autolog(*, disable: bool = False) -> None:
    """Record every call of the `openai` client as a span, also if it is imported later.

    Args:
        disable: Undo: the very same functions are put back.

    Raises:
        MissingExtraError: The client is not installed.

    Example:
        >>> import tracekit
        >>> tracekit.openai.autolog()
        >>> tracekit.openai.autolog(disable=True)
    """
    if disable:
        _imports.forget(_LIBRARY)
        _patches.restore()
    elif config.settings().enabled:
        if not _imports.is_installed(_LIBRARY):
            raise MissingExtraError("autolog('openai')", "openai")
        _imports.when_imported(_LIBRARY, _install)


def _install() -> None:
    client: Any = sys.modules["openai._base_client"]
    for owner, request, process, sleep in (
        (client.SyncAPIClient, _request, _process_response, _sleep_for_retry),
        (client.AsyncAPIClient, _async_request, _async_process_response, _async_sleep_for_retry),
    ):
        _patches.replace(owner, "request", request)
        _patches.replace(owner, "_process_response", process)
        _patches.replace(owner, "_sleep_for_retry", sleep)
    _patches.on = True


# What is replaced


def _request(original: Any) -> Any:
    @functools.wraps(original)
    def request(self: Any, *args: Any, **kwargs: Any) -> Any:
        call = _begin(self, args, kwargs, is_async=False)
        if call is None:
            return original(self, *args, **kwargs)
        token = _running.set(call)
        try:
            with active(call.span):
                result = original(self, *args, **kwargs)
        except BaseException as error:
            call.failed(error)
            raise
        finally:
            _stop_running(token)
        call.returned()
        return result

    return request


def _async_request(original: Any) -> Any:
    @functools.wraps(original)
    async def request(self: Any, *args: Any, **kwargs: Any) -> Any:
        call = _begin(self, args, kwargs, is_async=True)
        if call is None:
            return await original(self, *args, **kwargs)
        token = _running.set(call)
        try:
            with active(call.span):
                result = await original(self, *args, **kwargs)
        except BaseException as error:
            call.failed(error)
            raise
        finally:
            _stop_running(token)
        call.returned()
        return result

    return request


def _stop_running(token: Token[Call | None]) -> None:
    try:
        _running.reset(token)
    except ValueError:  # a coroutine that was driven from several contexts
        _running.set(None)


def _process_response(original: Any) -> Any:
    @functools.wraps(original)
    def process_response(self: Any, *args: Any, **kwargs: Any) -> Any:
        call = _running.get()
        if call is not None:
            call.received(kwargs)
        return original(self, *args, **kwargs)

    return process_response


def _async_process_response(original: Any) -> Any:
    @functools.wraps(original)
    async def process_response(self: Any, *args: Any, **kwargs: Any) -> Any:
        call = _running.get()
        if call is not None:
            call.received(kwargs)
        return await original(self, *args, **kwargs)

    return process_response


def _sleep_for_retry(original: Any) -> Any:
    @functools.wraps(original)
    def sleep_for_retry(self: Any, *args: Any, **kwargs: Any) -> Any:
        began = time.perf_counter()
        result = original(self, *args, **kwargs)
        call = _running.get()
        if call is not None:
            call.retried(kwargs, time.perf_counter() - began)
        return result

    return sleep_for_retry


def _async_sleep_for_retry(original: Any) -> Any:
    @functools.wraps(original)
    async def sleep_for_retry(self: Any, *args: Any, **kwargs: Any) -> Any:
        began = time.perf_counter()
        result = await original(self, *args, **kwargs)
        call = _running.get()
        if call is not None:
            call.retried(kwargs, time.perf_counter() - began)
        return result

    return sleep_for_retry


# When a span begins


def _begin(
    client: Any, args: tuple[Any, ...], kwargs: dict[str, Any], *, is_async: bool
) -> Call | None:
    """The call that a request is, with its span begun; None if it is not to be recorded."""
    try:
        if not _patches.on or not config.settings().enabled:
            return None
        options = kwargs["options"] if "options" in kwargs else args[1]
        outer = _running.get()
        if outer is not None and outer.options is options:
            return None  # a subclass, or somebody's wrapper, hands the same request on
        is_stream = bool(kwargs.get("stream") or (len(args) > 2 and args[2]))
        return Call(client, options, is_async=is_async, is_stream=is_stream)
    except Exception:
        guard.failed("a call of the openai client")
        return None
