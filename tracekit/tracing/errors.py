"""What an exception says of itself, without trusting it."""


def error_type(error: BaseException) -> str:
    """The exception's class, with its module unless it is a builtin.

    >>> error_type(ValueError())
    'ValueError'
    """
    kind = type(error)
    if kind.__module__ in {"builtins", "__main__"}:
        return kind.__qualname__
    module = kind.__module__.partition(".")[0] if "._" in kind.__module__ else kind.__module__
    return f"{module}.{kind.__qualname__}"


def message_of(error: BaseException) -> str:
    """The exception's text; its class where its `__str__` fails."""
    try:
        return str(error)[:10_000]
    except Exception:
        return f"<{type(error).__qualname__} without a text>"


def stack_of(error: BaseException, message: str | None) -> str:
    """Where the exception came from: files, lines, functions; no values, no source of causes.

    Args:
        error: The exception.
        message: What its last line says of it. None: nothing.
    """
    frames: list[str] = []
    step = error.__traceback__
    while step is not None and len(frames) < 200:
        code = step.tb_frame.f_code
        frames.append(f'  File "{code.co_filename}", line {step.tb_lineno}, in {code.co_qualname}')
        step = step.tb_next
    if len(frames) > 60:
        frames[30:-30] = [f"  … {len(frames) - 60} frames …"]
    text = "\n".join(["Traceback (most recent call last):", *frames])
    return f"{text}\n{error_type(error)}" + ("" if message is None else f": {message}")
