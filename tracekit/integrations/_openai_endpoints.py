"""Which endpoint of the OpenAI API a request goes to, and what is known about it."""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

Api = Literal[
    "chat",
    "completions",
    "responses",
    "embeddings",
    "images",
    "speech",
    "transcription",
    "moderations",
    "tokens",
    "other",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One endpoint."""

    api: Api
    """Whose shapes its bodies have."""
    operation: str | None = None
    """`gen_ai.operation.name`."""
    label: str = ""
    """Name of the span where there is no operation: method and path, ids left out."""
    response_id: str | None = None
    """The stored response that it is about."""
    compacts: bool = False

    @property
    def is_lookup(self) -> bool:
        """It gives back a response that was made, and counted, before."""
        return self.response_id is not None


_ENDPOINTS: tuple[tuple[str, str, Endpoint], ...] = (
    ("post", r"chat/completions", Endpoint(api="chat", operation="chat")),
    ("post", r"completions", Endpoint(api="completions", operation="text_completion")),
    ("post", r"responses", Endpoint(api="responses", operation="chat")),
    ("post", r"responses/compact", Endpoint(api="responses", operation="chat", compacts=True)),
    ("post", r"responses/input_tokens", Endpoint(api="tokens")),
    ("get", r"responses/([^/]+)", Endpoint(api="responses", operation="fetch_response")),
    ("post", r"responses/([^/]+)/cancel", Endpoint(api="responses")),
    ("get", r"chat/completions/([^/]+)", Endpoint(api="chat", operation="fetch_response")),
    ("post", r"embeddings", Endpoint(api="embeddings", operation="embeddings")),
    (
        "post",
        r"images/(?:generations|edits|variations)",
        Endpoint(api="images", operation="generate_content"),
    ),
    ("post", r"audio/speech", Endpoint(api="speech", operation="generate_content")),
    (
        "post",
        r"audio/(?:transcriptions|translations)",
        Endpoint(api="transcription", operation="generate_content"),
    ),
    ("post", r"moderations", Endpoint(api="moderations")),
)
_COMPILED = tuple(
    (method, re.compile(rf"(?:^|/){path}/?$").search, endpoint)
    for method, path, endpoint in _ENDPOINTS
)


@lru_cache(maxsize=512)
def find_endpoint(method: str, url: str) -> Endpoint:
    """The endpoint of a request.

    >>> find_endpoint("POST", "/chat/completions").operation
    'chat'
    >>> find_endpoint("GET", "/threads/thread_abc123DEF/runs").label
    'GET /threads/{id}/runs'
    """
    method = method.lower()
    path = url.partition("?")[0].partition("#")[0]
    path = path.partition("://")[2].partition("/")[2] if "://" in path else path.lstrip("/")
    label = f"{method.upper()} /{'/'.join('{id}' if _is_id(s) else s for s in path.split('/'))}"
    for wanted, search, endpoint in _COMPILED:
        match = search(path) if wanted == method else None
        if match is not None:
            return Endpoint(
                api=endpoint.api,
                operation=endpoint.operation,
                label=label,
                response_id=match.group(1) if match.re.groups else None,
                compacts=endpoint.compacts,
            )
    return Endpoint(api="other", label=label)


_ID = re.compile(r"(?=.*[0-9A-Z])[A-Za-z]+[_-][A-Za-z0-9_.-]+|[0-9a-fA-F-]{16,}|\d+")


def _is_id(segment: str) -> bool:
    return _ID.fullmatch(segment) is not None


_HOSTS: tuple[tuple[str, str], ...] = (
    ("openai.azure.com", "azure.ai.openai"),
    ("cognitiveservices.azure.com", "azure.ai.openai"),
    ("services.ai.azure.com", "azure.ai.inference"),
    ("models.ai.azure.com", "azure.ai.inference"),
    ("api.groq.com", "groq"),
    ("api.deepseek.com", "deepseek"),
    ("api.x.ai", "x_ai"),
    ("api.mistral.ai", "mistral_ai"),
    ("codestral.mistral.ai", "mistral_ai"),
    ("api.moonshot.ai", "moonshot_ai"),
    ("api.moonshot.cn", "moonshot_ai"),
    ("api.perplexity.ai", "perplexity"),
    ("api.anthropic.com", "anthropic"),
    ("api.cohere.ai", "cohere"),
    ("api.cohere.com", "cohere"),
    ("generativelanguage.googleapis.com", "gcp.gemini"),
    ("aiplatform.googleapis.com", "gcp.vertex_ai"),
    ("ml.cloud.ibm.com", "ibm.watsonx.ai"),
    ("openrouter.ai", "openrouter"),
    ("api.together.xyz", "together"),
    ("api.together.ai", "together"),
    ("api.fireworks.ai", "fireworks"),
    ("api.cerebras.ai", "cerebras"),
    ("router.huggingface.co", "huggingface"),
    ("models.github.ai", "github"),
    ("dashscope.aliyuncs.com", "alibaba"),
    ("dashscope-intl.aliyuncs.com", "alibaba"),
    ("api.z.ai", "z_ai"),
    ("integrate.api.nvidia.com", "nvidia"),
)


@lru_cache(maxsize=512)
def provider_of(host: str) -> str:
    """`gen_ai.provider.name` by the host; `openai` where that says nothing.

    >>> provider_of("api.groq.com"), provider_of("127.0.0.1")
    ('groq', 'openai')
    """
    if host.startswith("bedrock") and host.endswith(".amazonaws.com"):
        return "aws.bedrock"
    for suffix, name in _HOSTS:
        if host == suffix or host.endswith((f".{suffix}", f"-{suffix}")):
            return name
    return "openai"
