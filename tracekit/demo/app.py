"""The demo: an example LLM app, traced, its runs logged, its report written.

It talks to a real provider when `OPENAI_API_KEY` is set (and `OPENAI_MODEL`, `OPENAI_BASE_URL`
if you like), otherwise to the small server of `tracekit.demo.server`.
"""

import os
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

import openai
from langchain_core.vectorstores import InMemoryVectorStore
from langchain_openai import ChatOpenAI, OpenAIEmbeddings
from pydantic import SecretStr

import tracekit
from tracekit.demo import chain
from tracekit.demo.desk import RETIRED_MODEL, Chat, Desk
from tracekit.demo.server import serve

EXPERIMENT = "demo: support desk"
_PACE = 0.6  # of a real model's delay: long enough to see, short enough to wait for


@dataclass(frozen=True, slots=True, kw_only=True)
class Models:
    """Who answers."""

    where: str
    """The provider's address, for people to read."""
    name: str
    """Of the chat model."""
    desk: Desk
    chat: ChatOpenAI
    embeddings: OpenAIEmbeddings


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What the demo left behind."""

    report: Path
    store: str
    where: str
    model: str


@contextmanager
def models() -> Generator[Models, None, None]:
    """The real provider if there is a key, else the local server for the time of the block."""
    key = os.environ.get("OPENAI_API_KEY")
    if key:
        where = os.environ.get("OPENAI_BASE_URL", "https://api.openai.com/v1")
        name = os.environ.get("OPENAI_MODEL", "gpt-5.4-mini")
        with openai.OpenAI(base_url=where, api_key=key) as client:
            yield _models(client, name, "text-embedding-3-small")
        return
    os.environ["NO_PROXY"] = os.environ["no_proxy"] = "127.0.0.1"  # the server is on this machine
    with (
        serve(pace=_PACE) as server,
        openai.OpenAI(base_url=server.base_url, api_key="local") as client,
    ):
        yield _models(client, "demo-mini", "demo-embed")


def _models(client: openai.OpenAI, name: str, embedding: str) -> Models:
    where = str(client.base_url).rstrip("/")
    common: Any = {"base_url": where, "api_key": SecretStr(client.api_key)}
    return Models(
        where=where,
        name=name,
        desk=Desk(client, name),
        chat=ChatOpenAI(model=name, **common),
        embeddings=OpenAIEmbeddings(model=embedding, check_embedding_ctx_length=False, **common),
    )


def run(report_path: Path, on_step: Callable[[str, int, int], None]) -> Outcome:
    """Run the example app and write its report.

    Args:
        report_path: The HTML file to write.
        on_step: Told before each step: what it is, how many are done, how many there are.
    """
    tracekit.autolog()
    tracekit.set_experiment(EXPERIMENT)
    with models() as given:
        steps: list[tuple[str, Callable[[], object]]] = [
            ("Conversations with an agent that has tools", lambda: _conversations(given)),
            ("Mails sorted by structured output", lambda: _mails(given)),
            ("Order status by the Responses API", lambda: _order_status(given)),
            ("A long text, streamed", lambda: _guide(given)),
            ("A call that fails", lambda: _failure(given)),
            *_comparison(given),
        ]
        for number, (title, step) in enumerate(steps):
            on_step(title, number, len(steps) + 1)
            step()
    on_step("The report", len(steps), len(steps) + 1)
    tracekit.report(report_path)
    return Outcome(
        report=report_path,
        store=tracekit.get_tracking_uri(),
        where=given.where,
        model=given.name,
    )


_CONVERSATIONS = [
    (
        "chat-ada-1",
        "ada",
        [
            "My order A1042 arrived damaged. What can I do?",
            "Do you have another tent in stock?",
            "Thanks. And where is my order A1077?",
        ],
    ),
    (
        "chat-noor-1",
        "noor",
        ["Where is my order A1093?", "Then show me a lamp or a stove that you have now."],
    ),
    ("chat-luis-1", "luis", ["The boots of order A1077 will be too small. Can I send them back?"]),
]


def _conversations(given: Models) -> None:
    for session_id, user_id, turns in _CONVERSATIONS:
        chat = Chat(given.desk)
        with tracekit.session(session_id, user_id=user_id):
            for turn in turns:
                chat.say(turn)


_MAILS = {
    "mei": "The zip of my jacket is broken, order A1042. I am disappointed. It is urgent.",
    "tom": "Could you send me the invoice for A1077? Thank you, great shop.",
}


def _mails(given: Models) -> None:
    for user_id, mail in _MAILS.items():
        with tracekit.session(f"mail-{user_id}", user_id=user_id):
            given.desk.triage(mail)


def _order_status(given: Models) -> None:
    with tracekit.session("phone-ada-2", user_id="ada"):
        given.desk.order_status("Has order A1077 been sent?")


def _guide(given: Models) -> None:
    with tracekit.session("web-guide", user_id="noor"):
        given.desk.guide("a first camping trip")


def _failure(given: Models) -> None:
    try:
        with tracekit.start_run(run_name="daily summary"):
            tracekit.log_param("model", RETIRED_MODEL)
            given.desk.summarise(list(_MAILS.values()))
    except openai.APIStatusError:
        pass  # recorded: the run has failed, its trace shows why


QUESTIONS: list[tuple[str, str]] = [
    ("How many days do I have to return an unused item?", "60 days"),
    ("Is return postage free in the European Union?", "12 EUR elsewhere"),
    ("Do boots run small?", "half a size"),
    ("What does the repair of a zip cost?", "35 EUR"),
    ("How long does delivery to Norway take?", "5 working days"),
    ("Does the warranty cover wear and burns?", "not covered"),
    ("Can I pay in instalments?", "3 months"),
    ("How do I bring back the water repellency of a jacket?", "Tumble drying"),
    ("What does it cost to rent a tent, and is the fee lost if I buy one?", "is deducted"),
    ("How fast is express delivery and what does it cost?", "next working day"),
    ("Can I exchange boots that are a size too small?", "exchange for another size is free"),
    ("Can a gift card be paid out?", "can't be paid out"),
]
"""A question, and what a good answer says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Variant:
    """One way of answering that the runs compare."""

    name: str
    prompt: str
    documents: int


_VARIANTS = [
    _Variant(name="one document", prompt=chain.PROMPT, documents=1),
    _Variant(name="two documents", prompt=chain.PROMPT, documents=2),
    _Variant(name="one sentence", prompt="Answer from the context in one sentence.", documents=2),
]


def _comparison(given: Models) -> list[tuple[str, Callable[[], object]]]:
    """Steps: the index, then one run for each variant, over the same questions."""
    index = InMemoryVectorStore(given.embeddings)

    def step(variant: _Variant) -> tuple[str, Callable[[], object]]:
        return f"LangChain: {variant.name}", lambda: _compare(given, index, variant)

    return [
        ("LangChain: policies embedded", lambda: chain.add_policies(index)),
        *map(step, _VARIANTS),
    ]


def _compare(given: Models, index: InMemoryVectorStore, variant: _Variant) -> None:
    answer = chain.policy_chain(
        given.chat, index, prompt=variant.prompt, documents=variant.documents
    )
    with tracekit.start_run(run_name=variant.name, tags={"compares": "answers to policies"}):
        tracekit.log_params({"documents": variant.documents, "model": given.name})
        tracekit.log_text(variant.prompt, "prompt.txt")
        right, rows = 0, list[dict[str, Any]]()
        for step, (question, fact) in enumerate(QUESTIONS):
            began = perf_counter()
            said = answer.invoke(question)
            seconds = perf_counter() - began
            right += fact.lower() in said.lower()
            rows.append({"question": question, "expected": fact, "answer": said})
            tracekit.log_metrics({"accuracy": right / (step + 1), "seconds": seconds}, step=step)
        tracekit.log_metric("answer_words", _mean_words(rows))
        tracekit.log_table({key: [row[key] for row in rows] for key in rows[0]}, "answers.json")


def _mean_words(rows: Sequence[dict[str, Any]]) -> float:
    return sum(len(row["answer"].split()) for row in rows) / len(rows)
