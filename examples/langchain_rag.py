"""A LangChain chain with retrieval: each step a span, each model call counted once.

pip install 'tracekit[langchain]' langchain-openai
OPENAI_API_KEY=... python examples/langchain_rag.py && tracekit traces
"""

from langchain_core.documents import Document
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.runnables import RunnablePassthrough
from langchain_core.vectorstores import InMemoryVectorStore
from langchain_openai import ChatOpenAI, OpenAIEmbeddings

import tracekit

tracekit.autolog()

embeddings = OpenAIEmbeddings(model="text-embedding-3-small", check_embedding_ctx_length=False)
index = InMemoryVectorStore(embeddings)
index.add_texts(
    [
        "Unused items can be returned within 60 days of delivery.",
        "Standard delivery takes 2 to 4 working days.",
        "The workshop repairs a zip for 35 EUR.",
    ]
)

prompt = ChatPromptTemplate.from_messages(
    [("system", "Answer from the context.\n\nContext:\n{context}"), ("user", "{question}")]
)
retriever = index.as_retriever(search_kwargs={"k": 1})


def joined(documents: list[Document]) -> str:
    return "\n".join(document.page_content for document in documents)


chain = (
    {"context": retriever | joined, "question": RunnablePassthrough()}
    | prompt
    | ChatOpenAI(model="gpt-5.4-mini")
    | StrOutputParser()
)

for question in ("How long may I take to return a tent?", "What does a new zip cost?"):
    print(chain.invoke(question))
