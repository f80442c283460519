"""A prompt, a model and a parser as one chain, traced step by step."""

from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import PromptTemplate
from langchain_openai import ChatOpenAI

import tracekit

tracekit.langchain.autolog()

tracekit.set_experiment("rag_pipeline")

with tracekit.start_run(run_name="rag_query"):
    prompt = PromptTemplate.from_template(
        """
        Context: {context}

        Question: {question}

        Answer the question from the context above.
        """
    )
    llm = ChatOpenAI(model="gpt-4", temperature=0.3)
    chain = prompt | llm | StrOutputParser()

    result = chain.invoke(
        {
            "context": "tracekit traces and evaluates applications of large language models.",
            "question": "What is tracekit?",
        }
    )
    print(f"Answer: {result}")
