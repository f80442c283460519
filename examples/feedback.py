"""Feedback on traces: from people, from code; then the traces that were judged badly.

python examples/feedback.py && tracekit traces --filter "feedback.helpful = false"
"""

import tracekit


@tracekit.trace
def answer(question: str) -> str:
    return "Within 60 days." if "return" in question else "I don't know."


for question in ("Can I return a tent?", "Do you repair zips?"):
    with tracekit.start_span("question") as span:
        said = answer(question)
        tracekit.update_current_trace(tags={"channel": "mail"})
    tracekit.log_feedback(
        trace_id=span.trace_id,
        name="helpful",
        value=said != "I don't know.",
        rationale="an answer was given" if said != "I don't know." else "no answer",
    )

bad = tracekit.search_traces(filter_string="feedback.helpful = false")
print(bad[["trace_id", "name", "status"]].to_string(index=False))
