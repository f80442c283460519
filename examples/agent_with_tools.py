"""An agent whose own steps are spans too: `@tracekit.trace` on the loop and on each tool.

OPENAI_API_KEY=... python examples/agent_with_tools.py && tracekit traces
"""

import json
from typing import Any

import openai

import tracekit

tracekit.autolog()

client = openai.OpenAI()


@tracekit.trace(span_type="tool")
def get_order(order_id: str) -> dict[str, str]:
    return {"order_id": order_id, "item": "tent", "status": "in transit", "date": "tomorrow"}


PARAMETERS = {
    "type": "object",
    "properties": {"order_id": {"type": "string"}},
    "required": ["order_id"],
}
TOOLS: Any = [
    {
        "type": "function",
        "function": {
            "name": "get_order",
            "description": "Where an order is.",
            "parameters": PARAMETERS,
        },
    }
]


@tracekit.trace(span_type="agent")
def support_agent(question: str) -> str:
    messages: list[Any] = [{"role": "user", "content": question}]
    while True:
        completion = client.chat.completions.create(
            model="gpt-5.4-mini", messages=messages, tools=TOOLS
        )
        message = completion.choices[0].message
        messages.append(message.to_dict())
        if not message.tool_calls:
            return message.content or ""
        for call in message.tool_calls:
            if call.type == "function":
                result = get_order(**json.loads(call.function.arguments))
                content = json.dumps(result)
                messages.append({"role": "tool", "tool_call_id": call.id, "content": content})


print(support_agent("Where is my order A1042?"))
