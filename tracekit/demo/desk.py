"""The example app, first half: a support desk on the OpenAI client.

An agent with tools, a triage step with structured output, a streamed guide and a conversation
by the Responses API. Nothing here is about tracing but the `@tracekit.trace` that names the
app's own steps: the model calls are recorded by `tracekit.autolog()`.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

import openai
from pydantic import BaseModel

import tracekit
from tracekit.demo.shop import ORDERS, PRODUCTS

RETIRED_MODEL = "retired-model-2023"
SYSTEM = "You are the support desk of an outdoor shop. Look things up before you answer."


class Ticket(BaseModel):
    """What the desk needs to know of a mail before anyone reads it."""

    category: Literal["return", "delivery", "product", "warranty", "payment", "other"]
    urgency: Literal["high", "normal"]
    mood: Literal["negative", "neutral", "positive"]
    order_id: str | None
    summary: str


@tracekit.trace(span_type="tool")
def get_order(order_id: str) -> dict[str, Any]:
    """Where an order is."""
    return ORDERS.get(order_id, {"error": f"no order {order_id}"})


@tracekit.trace(span_type="tool")
def check_stock(sku: str) -> dict[str, Any]:
    """What is left of a product, and its price."""
    found = [product for product in PRODUCTS if product["sku"] == sku]
    return found[0] if found else {"error": f"no product {sku}"}


@tracekit.trace(span_type="tool")
def search_products(query: str) -> list[dict[str, Any]]:
    """Products of a kind."""
    return [product for product in PRODUCTS if query in (product["kind"], product["name"])]


@tracekit.trace(span_type="tool")
def start_return(order_id: str, reason: str) -> dict[str, Any]:
    """Open a return for an order."""
    return {"return_id": f"R-{order_id[1:]}", "order_id": order_id, "reason": reason}


TOOLS: dict[str, Callable[..., Any]] = {
    tool.__name__: tool for tool in (get_order, check_stock, search_products, start_return)
}
_PARAMETERS = {
    "get_order": ("order_id",),
    "check_stock": ("sku",),
    "search_products": ("query",),
    "start_return": ("order_id", "reason"),
}


def tool_definitions(api: Literal["chat", "responses"]) -> list[Any]:
    """The tools as the model is told of them."""
    functions = [
        {
            "name": name,
            "description": (TOOLS[name].__doc__ or "").strip(),
            "parameters": {
                "type": "object",
                "properties": {key: {"type": "string"} for key in parameters},
                "required": list(parameters),
                "additionalProperties": False,
            },
        }
        for name, parameters in _PARAMETERS.items()
    ]
    if api == "chat":
        return [{"type": "function", "function": function} for function in functions]
    return [{"type": "function", "strict": True, **function} for function in functions]


def run_tool(name: str, arguments: str) -> str:
    """A tool's result as JSON text."""
    return json.dumps(TOOLS[name](**json.loads(arguments)))


@dataclass(frozen=True, slots=True)
class Desk:
    """The desk, on a client and a model."""

    client: openai.OpenAI
    model: str

    @tracekit.trace(name="support agent", span_type="agent")
    def reply(self, messages: list[Any]) -> str:
        """The agent's reply to the last message; the conversation grows by what was said."""
        for _ in range(5):
            completion = self.client.chat.completions.create(
                model=self.model,
                messages=[{"role": "system", "content": SYSTEM}, *messages],
                tools=tool_definitions("chat"),
            )
            message = completion.choices[0].message
            messages.append(message.to_dict())
            if not message.tool_calls:
                return message.content or ""
            for call in message.tool_calls:
                if call.type == "function":
                    result = run_tool(call.function.name, call.function.arguments)
                    messages.append({"role": "tool", "tool_call_id": call.id, "content": result})
        return "This needs a colleague."

    @tracekit.trace(name="triage mail")
    def triage(self, mail: str) -> Ticket | None:
        """What a mail is about, by structured output."""
        response = self.client.responses.parse(
            model=self.model,
            instructions="Sort mails to the support desk.",
            input=mail,
            text_format=Ticket,
        )
        return response.output_parsed

    @tracekit.trace(name="write guide")
    def guide(self, topic: str) -> str:
        """A long text, streamed: the slow call of the demo."""
        stream = self.client.chat.completions.create(
            model=self.model,
            messages=[{"role": "user", "content": f"Write a buying guide for {topic}."}],
            stream=True,
            stream_options={"include_usage": True},
            extra_headers={"x-demo-fault": "slow"},
        )
        return "".join(chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices)

    @tracekit.trace(name="order status", span_type="agent")
    def order_status(self, question: str) -> str:
        """The same desk by the Responses API, where the server keeps the conversation."""
        response = self.client.responses.create(
            model=self.model,
            instructions=SYSTEM,
            input=question,
            tools=tool_definitions("responses"),
            extra_headers={"x-demo-fault": "429"},  # the client's own retry gets over it
        )
        for _ in range(5):
            calls = [item for item in response.output if item.type == "function_call"]
            if not calls:
                break
            response = self.client.responses.create(
                model=self.model,
                previous_response_id=response.id,
                tools=tool_definitions("responses"),
                input=[
                    {
                        "type": "function_call_output",
                        "call_id": call.call_id,
                        "output": run_tool(call.name, call.arguments),
                    }
                    for call in calls
                ],
            )
        return response.output_text

    @tracekit.trace(name="daily summary")
    def summarise(self, tickets: list[str]) -> str:
        """The failing call of the demo: the model that it asks for is gone."""
        listed = "; ".join(tickets)
        completion = self.client.chat.completions.create(
            model=RETIRED_MODEL,
            messages=[{"role": "user", "content": f"Summarise for the shift lead: {listed}"}],
        )
        return completion.choices[0].message.content or ""


@dataclass(frozen=True, slots=True)
class Chat:
    """A conversation of a customer with the desk."""

    desk: Desk
    messages: list[Any] = field(default_factory=list[Any])

    @tracekit.trace(name="chat turn")
    def say(self, text: str) -> str:
        """What the desk replies; the trace says whether it helped."""
        tracekit.update_current_trace(tags={"channel": "chat"})
        self.messages.append({"role": "user", "content": text})
        reply = self.desk.reply(self.messages)
        handed_over = "colleague" in reply
        tracekit.log_feedback(
            name="helpful",
            value=not handed_over,
            rationale="Handed over to a colleague." if handed_over else "Answered by the desk.",
            source="handed_over",
            source_type="CODE",
        )
        return reply
