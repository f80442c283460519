"""An OpenAI program with one more line: `tracekit.autolog()`.

pip install 'tracekit[openai]'
OPENAI_API_KEY=... python examples/quickstart_openai.py && tracekit traces
"""

import openai

import tracekit

tracekit.autolog()

client = openai.OpenAI()

with tracekit.session("chat-42", user_id="ada"):
    answer = client.chat.completions.create(
        model="gpt-5.4-mini",
        messages=[{"role": "user", "content": "What is a trace, in one sentence?"}],
    )
    print(answer.choices[0].message.content)

    stream = client.chat.completions.create(
        model="gpt-5.4-mini",
        messages=[{"role": "user", "content": "And a span?"}],
        stream=True,
        stream_options={"include_usage": True},  # without it a stream reports no tokens
    )
    print("".join(chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices))
