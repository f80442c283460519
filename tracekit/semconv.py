"""Attribute names: OpenTelemetry's GenAI conventions, and tracekit's own.

Source: open-telemetry/semantic-conventions-genai, read 2026-11-23 (development status). The
constants of opentelemetry-semantic-conventions lag behind, hence plain strings.
"""

OPERATION = "gen_ai.operation.name"
PROVIDER = "gen_ai.provider.name"
CONVERSATION_ID = "gen_ai.conversation.id"
CONVERSATION_COMPACTED = "gen_ai.conversation.compacted"
OUTPUT_TYPE = "gen_ai.output.type"
PROMPT_NAME = "gen_ai.prompt.name"
PROMPT_VERSION = "gen_ai.prompt.version"
PROMPT_VARIABLE_PREFIX = "gen_ai.prompt.variable."

REQUEST_MODEL = "gen_ai.request.model"
REQUEST_CHOICE_COUNT = "gen_ai.request.choice.count"
REQUEST_SEED = "gen_ai.request.seed"
REQUEST_STREAM = "gen_ai.request.stream"
REQUEST_TOP_K = "gen_ai.request.top_k"
REQUEST_TOP_P = "gen_ai.request.top_p"
REQUEST_TEMPERATURE = "gen_ai.request.temperature"
REQUEST_MAX_TOKENS = "gen_ai.request.max_tokens"
REQUEST_FREQUENCY_PENALTY = "gen_ai.request.frequency_penalty"
REQUEST_PRESENCE_PENALTY = "gen_ai.request.presence_penalty"
REQUEST_STOP_SEQUENCES = "gen_ai.request.stop_sequences"
REQUEST_REASONING_LEVEL = "gen_ai.request.reasoning.level"
REQUEST_PREVIOUS_RESPONSE_ID = "gen_ai.request.previous_response.id"
REQUEST_ENCODING_FORMATS = "gen_ai.request.encoding_formats"
REQUEST_STREAM_CURSOR = "gen_ai.request.stream_cursor"
EMBEDDINGS_DIMENSIONS = "gen_ai.embeddings.dimension.count"

RESPONSE_ID = "gen_ai.response.id"
RESPONSE_MODEL = "gen_ai.response.model"
RESPONSE_STATUS = "gen_ai.response.status"
RESPONSE_FINISH_REASONS = "gen_ai.response.finish_reasons"
RESPONSE_TIME_TO_FIRST_CHUNK = "gen_ai.response.time_to_first_chunk"
"""Seconds."""

INPUT_TOKENS = "gen_ai.usage.input_tokens"
"""As billed; includes cached tokens."""
OUTPUT_TOKENS = "gen_ai.usage.output_tokens"
"""Includes reasoning tokens."""
CACHE_READ_TOKENS = "gen_ai.usage.cache_read.input_tokens"
CACHE_WRITE_TOKENS = "gen_ai.usage.cache_write.input_tokens"
REASONING_TOKENS = "gen_ai.usage.reasoning.output_tokens"
TEXT_INPUT_TOKENS = "gen_ai.usage.text.input_tokens"
TEXT_OUTPUT_TOKENS = "gen_ai.usage.text.output_tokens"
IMAGE_INPUT_TOKENS = "gen_ai.usage.image.input_tokens"
IMAGE_OUTPUT_TOKENS = "gen_ai.usage.image.output_tokens"
AUDIO_INPUT_TOKENS = "gen_ai.usage.audio.input_tokens"
AUDIO_OUTPUT_TOKENS = "gen_ai.usage.audio.output_tokens"
AUDIO_CACHE_READ_TOKENS = "gen_ai.usage.audio.cache_read.input_tokens"
ACCEPTED_PREDICTION_TOKENS = "tracekit.usage.accepted_prediction.output_tokens"
REJECTED_PREDICTION_TOKENS = "tracekit.usage.rejected_prediction.output_tokens"

SYSTEM_INSTRUCTIONS = "gen_ai.system_instructions"
INPUT_MESSAGES = "gen_ai.input.messages"
OUTPUT_MESSAGES = "gen_ai.output.messages"
TOOL_DEFINITIONS = "gen_ai.tool.definitions"

TOOL_NAME = "gen_ai.tool.name"
TOOL_TYPE = "gen_ai.tool.type"
TOOL_DESCRIPTION = "gen_ai.tool.description"
TOOL_CALL_ID = "gen_ai.tool.call.id"
TOOL_CALL_ARGUMENTS = "gen_ai.tool.call.arguments"
TOOL_CALL_RESULT = "gen_ai.tool.call.result"

AGENT_NAME = "gen_ai.agent.name"
WORKFLOW_NAME = "gen_ai.workflow.name"

DATA_SOURCE_ID = "gen_ai.data_source.id"
RETRIEVAL_QUERY = "gen_ai.retrieval.query.text"
RETRIEVAL_DOCUMENTS = "gen_ai.retrieval.documents"

OPENAI_API_TYPE = "openai.api.type"
OPENAI_REQUEST_SERVICE_TIER = "openai.request.service_tier"
OPENAI_RESPONSE_SERVICE_TIER = "openai.response.service_tier"
OPENAI_SYSTEM_FINGERPRINT = "openai.response.system_fingerprint"

SERVER_ADDRESS = "server.address"
SERVER_PORT = "server.port"
HTTP_STATUS_CODE = "http.response.status_code"
HTTP_REQUEST_ID = "http.response.header.x-request-id"
"""A list of texts, as OpenTelemetry has response headers."""
ERROR_TYPE = "error.type"
SESSION_ID = "session.id"
USER_ID = "user.id"

# tracekit's own, where the conventions have no name
INPUT = "tracekit.input"
"""What a span was given, as JSON text, where no GenAI attribute holds it."""
OUTPUT = "tracekit.output"
"""What a span gave back, as JSON text, where no GenAI attribute holds it."""
SPAN_TYPE = "tracekit.span_type"
"""What kind of work: agent, chain, guardrail, evaluator … where `gen_ai.operation.name` has none."""
INCOMPLETE = "tracekit.incomplete"
"""True: a stream that was broken off or never read."""
CANCELLED = "tracekit.cancelled"
RETRY_COUNT = "tracekit.retry.count"
ERROR_CODE = "tracekit.error.code"
"""The provider's own code of an error."""
ERROR_KIND = "tracekit.error.type"
"""The provider's own kind of an error."""
ERROR_PARAM = "tracekit.error.param"
"""The request parameter that the provider complains of."""
REQUEST_PARAMETERS = "tracekit.request.parameters"
"""Known request parameters that have no attribute of their own, as a JSON object."""
RESPONSE_EXTRA = "tracekit.response.extra"
"""What a provider answered beyond the known fields, as a JSON object."""
STREAM_BYTES = "tracekit.stream.bytes"
"""Bytes of a stream or download, as they came over the wire."""
STREAM_CUT = "tracekit.stream.cut"
"""True: a stream so long that only its beginning was read."""
PARTIAL_IMAGES = "tracekit.partial_images"
"""Number of previews that came before an image."""
USAGE_RAW = "tracekit.usage.raw"
"""The provider's usage object as it came, as JSON text."""
COST = "operation.cost"
"""US dollars, reported by the provider or the user (Logfire's name)."""
METADATA_PREFIX = "tracekit.metadata."
TAGS = "tracekit.tags"
"""A list of texts: labels that a framework gives its runs."""
CACHED = "tracekit.cached"
"""True: a cache answered in place of the model, so there was no call to pay for."""
EVALUATION_ROW = "tracekit.evaluation.row_id"
EVALUATION_TRIAL = "tracekit.evaluation.trial"
ROLE = "tracekit.role"
"""`judge` on the calls of LLM judges, whose cost is not the application's."""
MASKING_ERROR = "tracekit.masking_error"

MODEL_CALLS = frozenset({"chat", "text_completion", "generate_content", "embeddings"})
"""Operations that are one billable model call: sums of tokens and cost are over these alone."""

CONTENT = frozenset(
    {
        SYSTEM_INSTRUCTIONS,
        INPUT_MESSAGES,
        OUTPUT_MESSAGES,
        TOOL_DEFINITIONS,
        TOOL_CALL_ARGUMENTS,
        TOOL_CALL_RESULT,
        RETRIEVAL_QUERY,
        RETRIEVAL_DOCUMENTS,
        INPUT,
        OUTPUT,
        REQUEST_PARAMETERS,
        RESPONSE_EXTRA,
    }
)
"""Attributes that carry what people wrote or a model answered: masked, and off when asked."""

FOREIGN_CONTENT = (
    "input.value",
    "output.value",
    "llm.input_messages",
    "llm.output_messages",
    "llm.prompts",
    "llm.choices",
    "llm.tools",
    "retrieval.documents",
    "gen_ai.prompt.",
    "gen_ai.completion.",
    "traceloop.entity.input",
    "traceloop.entity.output",
    "langfuse.observation.input",
    "langfuse.observation.output",
    "ai.prompt",
    "ai.response",
    "request_data",
    "response_data",
)
"""How other instrumentations' content attributes begin (semconv dialects)."""
