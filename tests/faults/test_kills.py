"""However a program ends: what had ended is stored, once; what had not shows as unfinished."""

import signal

import pytest
from killed_programs import ended, found, program, run_program, start_program
from llm_service import chunks, events, running_service

import tracekit
from tracekit.store.store import Store

ENDINGS = {
    "normal": ("pass", 0, "FINISHED"),
    "sys.exit": ("sys.exit(3)", 3, "FINISHED"),
    "exception": ("raise ValueError('mine')", 1, "FAILED"),
    "SIGINT": ("end_with(signal.SIGINT)", -signal.SIGINT, "KILLED"),
    "SIGTERM": ("end_with(signal.SIGTERM)", -signal.SIGTERM, "FAILED"),
    "SIGKILL": ("end_with(signal.SIGKILL)", -signal.SIGKILL, "FAILED"),
    "os._exit": ("os._exit(5)", 5, "FAILED"),
    "segfault": ("import ctypes; ctypes.string_at(0)", -signal.SIGSEGV, "FAILED"),
    "abort": ("os.abort()", -signal.SIGABRT, "FAILED"),
}
UNWOUND = {"normal", "sys.exit", "exception", "SIGINT"}
BUSY = """
tracekit.start_run(run_name="long")
with tracekit.start_span("open"):
    for _ in range(20):
        work()
    {ending}
"""


def run_status(store: Store) -> str:
    with store.reading() as connection:
        ((status,),) = connection.execute("SELECT status FROM runs").fetchall()
    return str(status)


@pytest.mark.parametrize("how", ENDINGS)
def test_a_program_that_ends_loses_no_span(store: Store, how: str) -> None:
    ending, code, status = ENDINGS[how]
    done = run_program(store, BUSY.format(ending=ending))
    assert (done.code, len(done.told), "tracekit" in done.complaint) == (code, 20, False)
    assert how in {"exception", "SIGINT"} or done.complaint == ""
    spans = found(store)
    assert spans.has_once(done.told)
    assert (len(spans.ended), spans.gone) == ((21, []) if how in UNWOUND else (20, ["open"]))
    assert run_status(store) == status
    assert list(store.spool_folder.iterdir()) == []


def test_unfinished_is_shown_where_people_look(store: Store) -> None:
    done = run_program(store, BUSY.format(ending="os._exit(0)"))
    trace = tracekit.get_trace(done.told[0][0])
    root = trace.spans[0]
    assert (trace.status, root.status, root.process_gone) == ("UNFINISHED", "UNFINISHED", True)


def test_a_burst_killed_at_any_moment_has_all_that_it_told(store: Store) -> None:
    process = start_program(store, "-c", program("while True: work()"))
    assert process.stdout is not None
    lines = [process.stdout.readline() for _ in range(1500)]
    process.kill()
    lines += process.stdout  # here: what is read ahead is not seen by what reads the pipe itself
    done = ended(process)
    told = [(trace_id, span_id) for trace_id, span_id in map(str.split, lines)]
    spans = found(store)
    assert spans.has_once(told)
    assert len(told) <= len(spans.ended) <= len(told) + 1  # one may have ended untold
    assert len(spans.ended) + len(spans.gone) <= len(told) + 2
    assert done.complaint == ""


@pytest.mark.slow
def test_twenty_thousand_spans_and_a_kill(store: Store) -> None:
    done = run_program(store, "for _ in range(20_000): work()\nend_with(signal.SIGKILL)")
    spans = found(store)
    assert (done.code, done.complaint, len(done.told)) == (-signal.SIGKILL, "", 20_000)
    assert spans.has_once(done.told)
    assert (len(spans.ended), spans.gone) == (20_000, [])


THREADS = """
def keep_working():
    with tracekit.start_span("thread"):
        while True:
            work()
def finish_late():
    threading.main_thread().join()
    work("late")
for _ in range(3):
    threading.Thread(target=keep_working, daemon=True).start()
threading.Thread(target=finish_late).start()
time.sleep(0.2)
"""


def test_threads_still_running_at_the_end_lose_nothing(store: Store) -> None:
    done = run_program(store, THREADS)
    spans = found(store)
    assert (done.code, done.complaint) == (0, "")
    assert len(done.told) > 3
    assert spans.has_once(done.told)
    assert spans.gone.count("thread") == 3


SUSPENDED = """
import asyncio
@tracekit.trace
def numbers():
    yield 1
    yield 2
@tracekit.trace
async def waiting():
    await asyncio.sleep(60)
async def main(leave):
    tasks.append(asyncio.ensure_future(waiting()))
    await asyncio.sleep(0.01)
    work()
    if leave:
        os._exit(0)
tasks, stream = [], numbers()
next(stream)
asyncio.run(main(leave=False))
asyncio.run(main(leave={leave}))
"""


def test_tasks_and_generators_pending_at_the_end_are_ended_or_unfinished(store: Store) -> None:
    done = run_program(store, SUSPENDED.format(leave=False))
    spans = found(store)
    assert (done.code, done.complaint) == (0, "")
    assert spans.has_once(done.told)
    assert (len(spans.ended) + len(spans.gone), len(done.told)) == (5, 2)


def test_tasks_and_generators_pending_at_a_kill_are_unfinished(store: Store) -> None:
    done = run_program(store, SUSPENDED.format(leave=True))
    spans = found(store)
    assert spans.has_once(done.told)
    assert (len(spans.ended), spans.gone) == (3, ["numbers", "waiting"])


OPEN_CALLS = """
import openai
from langchain_core.runnables import RunnableLambda
tracekit.autolog()
client = openai.OpenAI(base_url="{url}", api_key="none", max_retries=0)
messages = [{{"role": "user", "content": "Hi"}}]
with client.chat.completions.create(model="m", messages=messages, stream=True) as whole:
    list(whole)
stream = client.chat.completions.create(model="m", messages=messages, stream=True)
next(stream)
RunnableLambda(lambda _: end_with(signal.SIGKILL), name="chain").invoke(1)
"""


@pytest.mark.slow
def test_streams_and_chains_open_at_a_kill_are_unfinished(store: Store) -> None:
    with running_service() as service:
        service.will(events(chunks("Hello", "!")))
        done = run_program(store, OPEN_CALLS.format(url=service.url))
    assert (done.code, done.complaint) == (-signal.SIGKILL, "")
    spans = found(store)
    assert (len(spans.ended), spans.gone) == (1, ["chat m", "chain"])


BUSY_THREADS = """
def spin():
    while True:
        sum(range(1000))
def keep_working():
    while True:
        work()
for target in (spin, spin, keep_working, keep_working, keep_working):
    threading.Thread(target=target, daemon=True).start()
time.sleep({seconds})
end_with(signal.SIGKILL)
"""


@pytest.mark.slow
def test_busy_threads_do_not_make_records_wait_in_memory(store: Store) -> None:
    done = run_program(store, BUSY_THREADS.format(seconds=6))
    assert (done.code, done.complaint) == (-signal.SIGKILL, "")
    assert len(done.told) > 1000
    assert found(store).has_once(done.told)
