"""A traced call of an LLM, with what belongs to it logged to a run."""

from openai import OpenAI

import tracekit

tracekit.openai.autolog()

client = OpenAI()

tracekit.set_experiment("customer_support_chatbot")

with tracekit.start_run(run_name="support_conversation_001"):
    user_message = "How do I reset my password?"

    response = client.chat.completions.create(
        model="gpt-4",
        messages=[
            {"role": "system", "content": "You are a helpful customer support agent."},
            {"role": "user", "content": user_message},
        ],
        temperature=0.7,
        max_tokens=150,
    )
    assistant_message = response.choices[0].message.content

    tracekit.log_param("user_query", user_message)
    if response.usage is not None:
        tracekit.log_metric("response_tokens", response.usage.completion_tokens)
        tracekit.log_metric("total_tokens", response.usage.total_tokens)

    print(f"User: {user_message}")
    print(f"Assistant: {assistant_message}")
