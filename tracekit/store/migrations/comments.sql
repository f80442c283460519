-- What each table, view and column means, with its unit: the source of docs/sql.md.
-- Applied after every migration.

COMMENT ON TABLE store.meta IS 'Facts of this database.';
COMMENT ON COLUMN store.meta.key IS 'store_id, created_ns.';
COMMENT ON COLUMN store.meta.value IS 'Text.';

COMMENT ON TABLE store.migration IS 'Steps of the schema that were applied.';
COMMENT ON COLUMN store.migration.number IS 'From 1.';
COMMENT ON COLUMN store.migration.sha256 IS 'Of the SQL.';
COMMENT ON COLUMN store.migration.applied_ns IS 'Nanoseconds since the Unix epoch.';

COMMENT ON TABLE store.spool_file IS 'How far each spool file is read; kept after the file is removed.';
COMMENT ON COLUMN store.spool_file.file IS 'Name within spool/.';
COMMENT ON COLUMN store.spool_file.read_bytes IS
  'First byte that is not yet read; only ever grows.';
COMMENT ON COLUMN store.spool_file.tail_crc IS
  'CRC-32 of the last 64 bytes before read_bytes, by which a replaced file is noticed.';
COMMENT ON COLUMN store.spool_file.records IS 'Lines read, bad ones included.';
COMMENT ON COLUMN store.spool_file.bad_records IS 'Lines kept out of the tables.';
COMMENT ON COLUMN store.spool_file.lost_records IS
  'Records that the process could not write, as it reported; of the whole process.';
COMMENT ON COLUMN store.spool_file.host IS 'Name of the machine.';
COMMENT ON COLUMN store.spool_file.pid IS 'Process id.';
COMMENT ON COLUMN store.spool_file.boot_id IS 'Which boot of the machine.';
COMMENT ON COLUMN store.spool_file.pid_start IS 'Start of the process, clock ticks since the boot.';
COMMENT ON COLUMN store.spool_file.service IS 'service.name of the process.';
COMMENT ON COLUMN store.spool_file.resource IS 'Resource attributes of the process.';
COMMENT ON COLUMN store.spool_file.first_ns IS
  'When the file was begun, nanoseconds since the Unix epoch.';
COMMENT ON COLUMN store.spool_file.last_ns IS
  'When it was last read, nanoseconds since the Unix epoch.';
COMMENT ON COLUMN store.spool_file.ended IS 'True once nothing will be written to it any more.';

COMMENT ON TABLE store.bad_record IS 'Lines that were kept out of the tables, and why.';
COMMENT ON COLUMN store.bad_record.file IS 'Name within spool/.';
COMMENT ON COLUMN store.bad_record.offset_bytes IS 'Where the line begins.';
COMMENT ON COLUMN store.bad_record.reason IS 'Why.';
COMMENT ON COLUMN store.bad_record.head IS 'Its first 500 bytes.';
COMMENT ON COLUMN store.bad_record.seen_ns IS 'Nanoseconds since the Unix epoch.';

COMMENT ON TABLE store.ingest IS 'One row for each transaction that moved records from the spool; the watermark that a damaged log would break.';
COMMENT ON COLUMN store.ingest.ingest_id IS 'From 1.';
COMMENT ON COLUMN store.ingest.at_ns IS 'Nanoseconds since the Unix epoch.';
COMMENT ON COLUMN store.ingest.rows IS 'Spans added.';
COMMENT ON COLUMN store.ingest.total_rows IS 'Spans in the database after it.';

COMMENT ON TABLE store.experiment IS 'Named groups of runs and traces.';
COMMENT ON COLUMN store.experiment.experiment_id IS 'Unique.';
COMMENT ON COLUMN store.experiment.name IS 'What it is called.';
COMMENT ON COLUMN store.experiment.created_ns IS 'Nanoseconds since the Unix epoch.';
COMMENT ON COLUMN store.experiment.deleted_ns IS 'NULL unless deleted.';
COMMENT ON COLUMN store.experiment.updated_ns IS 'Time of the last record about it.';

COMMENT ON TABLE store.run IS 'Runs, one row each; fields merged from records by their time.';
COMMENT ON COLUMN store.run.run_id IS 'Unique.';
COMMENT ON COLUMN store.run.experiment_id IS 'Its experiment.';
COMMENT ON COLUMN store.run.experiment IS 'Name of the experiment when the run began.';
COMMENT ON COLUMN store.run.name IS 'What the run is called.';
COMMENT ON COLUMN store.run.parent_run_id IS 'The run around it.';
COMMENT ON COLUMN store.run.kind IS 'user or evaluation.';
COMMENT ON COLUMN store.run.status IS 'RUNNING, SCHEDULED, FINISHED, FAILED or KILLED.';
COMMENT ON COLUMN store.run.start_ns IS 'Nanoseconds since the Unix epoch.';
COMMENT ON COLUMN store.run.end_ns IS 'Nanoseconds since the Unix epoch.';
COMMENT ON COLUMN store.run.user_name IS 'Who started it.';
COMMENT ON COLUMN store.run.source IS 'Entry point, git commit, versions.';
COMMENT ON COLUMN store.run.deleted_ns IS 'NULL unless deleted.';
COMMENT ON COLUMN store.run.file IS 'Spool file whose process last set it RUNNING.';
COMMENT ON COLUMN store.run.first_ns IS 'Time of the first record about it.';
COMMENT ON COLUMN store.run.field_ns IS 'When each field was last set: {field: nanoseconds}.';

COMMENT ON TABLE store.param IS 'Params of runs; the first value of a key stays.';
COMMENT ON COLUMN store.param.run_id IS 'The run.';
COMMENT ON COLUMN store.param.key IS 'What it is called.';
COMMENT ON COLUMN store.param.value IS 'Text as logged.';
COMMENT ON COLUMN store.param.at_ns IS 'Nanoseconds since the Unix epoch.';

COMMENT ON TABLE store.metric IS 'All values of metrics.';
COMMENT ON COLUMN store.metric.run_id IS 'The run.';
COMMENT ON COLUMN store.metric.key IS 'What it is called.';
COMMENT ON COLUMN store.metric.step IS 'As logged; 0 unless given.';
COMMENT ON COLUMN store.metric.at_ns IS 'Nanoseconds since the Unix epoch.';
COMMENT ON COLUMN store.metric.value IS 'NaN and infinities are kept.';
COMMENT ON COLUMN store.metric.file IS 'Spool file it came from.';
COMMENT ON COLUMN store.metric.seq IS 'Order of logging within that file.';

COMMENT ON TABLE store.tag IS 'Tags of runs, traces and experiments; the last value holds.';
COMMENT ON COLUMN store.tag.subject IS 'run, trace or experiment.';
COMMENT ON COLUMN store.tag.subject_id IS 'Its id.';
COMMENT ON COLUMN store.tag.key IS 'What it is called.';
COMMENT ON COLUMN store.tag.value IS 'NULL: deleted.';
COMMENT ON COLUMN store.tag.at_ns IS 'Nanoseconds since the Unix epoch.';

COMMENT ON TABLE store.span IS 'Spans that have ended.';
COMMENT ON COLUMN store.span.trace_id IS '32 lower-case hexadecimal digits.';
COMMENT ON COLUMN store.span.span_id IS
  '16 lower-case hexadecimal digits; unique within its trace.';
COMMENT ON COLUMN store.span.parent_span_id IS
  'The span around it, in the same trace; NULL for a root.';
COMMENT ON COLUMN store.span.start_time IS 'UTC, to the nanosecond.';
COMMENT ON COLUMN store.span.end_time IS 'UTC, to the nanosecond; NULL while unfinished.';
COMMENT ON COLUMN store.span.duration_ns IS 'By the monotonic clock, never negative.';
COMMENT ON COLUMN store.span.name IS 'What the span is called, such as `chat gpt-4o`.';
COMMENT ON COLUMN store.span.kind IS
  'OpenTelemetry''s span kind: INTERNAL, CLIENT, SERVER, PRODUCER or CONSUMER.';
COMMENT ON COLUMN store.span.operation IS
  'What kind of work (gen_ai.operation.name): chat, embeddings, execute_tool, retrieval, invoke_agent, ...';
COMMENT ON COLUMN store.span.span_type IS
  'What the user or the library calls the kind of work, where operation has no word: chain, guardrail, ...';
COMMENT ON COLUMN store.span.status IS 'UNSET, OK or ERROR.';
COMMENT ON COLUMN store.span.status_message IS 'What went wrong, in the words of the error.';
COMMENT ON COLUMN store.span.error_type IS
  'The provider''s error code, or the class of the exception.';
COMMENT ON COLUMN store.span.provider IS
  'Who served the model (gen_ai.provider.name), such as openai or azure.ai.openai.';
COMMENT ON COLUMN store.span.request_model IS 'The model that was asked for.';
COMMENT ON COLUMN store.span.response_model IS 'The model that answered.';
COMMENT ON COLUMN store.span.response_id IS 'The provider''s id of the answer.';
COMMENT ON COLUMN store.span.finish_reasons IS 'Why the model stopped, one for each choice.';
COMMENT ON COLUMN store.span.input_tokens IS
  'Tokens of the request as billed; includes cache_read_tokens and cache_write_tokens. NULL: not reported.';
COMMENT ON COLUMN store.span.output_tokens IS
  'Tokens of the answer as billed; includes reasoning_tokens. NULL: not reported.';
COMMENT ON COLUMN store.span.cache_read_tokens IS
  'Tokens of the request that came from the provider''s cache.';
COMMENT ON COLUMN store.span.cache_write_tokens IS
  'Tokens of the request that were written to the provider''s cache.';
COMMENT ON COLUMN store.span.reasoning_tokens IS 'Tokens of the answer spent on reasoning.';
COMMENT ON COLUMN store.span.cost_usd IS
  'US dollars. NULL: the price is unknown; never 0 for that.';
COMMENT ON COLUMN store.span.cost_source IS
  'Who says so: provider, or prices:<version of the price table>.';
COMMENT ON COLUMN store.span.time_to_first_token_ns IS
  'From the request to the first chunk of a stream.';
COMMENT ON COLUMN store.span.tool_name IS 'The tool that was executed.';
COMMENT ON COLUMN store.span.agent_name IS 'The agent that was invoked.';
COMMENT ON COLUMN store.span.prompt_name IS 'Name of the prompt template.';
COMMENT ON COLUMN store.span.prompt_version IS 'Version of the prompt template.';
COMMENT ON COLUMN store.span.session_id IS 'The conversation or session, as the program named it.';
COMMENT ON COLUMN store.span.user_id IS 'The end user, as the program named them.';
COMMENT ON COLUMN store.span.run_id IS 'The run during which it happened; NULL outside any.';
COMMENT ON COLUMN store.span.experiment IS 'Name of the experiment it belongs to.';
COMMENT ON COLUMN store.span.scope IS 'The instrumentation that made it, such as tracekit.openai.';
COMMENT ON COLUMN store.span.service IS 'service.name of the process.';
COMMENT ON COLUMN store.span.host IS 'Name of the machine.';
COMMENT ON COLUMN store.span.pid IS 'Process id.';
COMMENT ON COLUMN store.span.incomplete IS 'True for a stream that was broken off or never read.';
COMMENT ON COLUMN store.span.input IS
  'JSON text: arguments of a tool or function, query of a retrieval, body of a request.';
COMMENT ON COLUMN store.span.output IS
  'JSON text: result of a tool or function, documents of a retrieval, body of an answer.';
COMMENT ON COLUMN store.span.input_messages IS
  'JSON text as recorded: [{role, parts: [...]}] (GenAI conventions).';
COMMENT ON COLUMN store.span.output_messages IS
  'JSON text as recorded: one message for each choice.';
COMMENT ON COLUMN store.span.system_instructions IS
  'JSON text as recorded: parts of the system prompt.';
COMMENT ON COLUMN store.span.tool_definitions IS
  'JSON text as recorded: the tools that the model could call.';
COMMENT ON COLUMN store.span.attributes IS
  'All attributes that have no column, names as recorded. Read one with attributes."app.route".';
COMMENT ON COLUMN store.span.resource IS
  'Resource attributes of the process, where they are not those of view processes.';
COMMENT ON COLUMN store.span.ingest_id IS 'The ingest that added it.';

COMMENT ON TABLE store.span_open IS 'Spans that have started and not ended.';
COMMENT ON COLUMN store.span_open.trace_id IS '32 lower-case hexadecimal digits.';
COMMENT ON COLUMN store.span_open.span_id IS
  '16 lower-case hexadecimal digits; unique within its trace.';
COMMENT ON COLUMN store.span_open.parent_span_id IS
  'The span around it, in the same trace; NULL for a root.';
COMMENT ON COLUMN store.span_open.start_time IS 'UTC, to the nanosecond.';
COMMENT ON COLUMN store.span_open.name IS 'What the span is called, such as `chat gpt-4o`.';
COMMENT ON COLUMN store.span_open.kind IS
  'OpenTelemetry''s span kind: INTERNAL, CLIENT, SERVER, PRODUCER or CONSUMER.';
COMMENT ON COLUMN store.span_open.operation IS
  'What kind of work (gen_ai.operation.name): chat, embeddings, execute_tool, retrieval, invoke_agent, ...';
COMMENT ON COLUMN store.span_open.session_id IS
  'The conversation or session, as the program named it.';
COMMENT ON COLUMN store.span_open.user_id IS 'The end user, as the program named them.';
COMMENT ON COLUMN store.span_open.run_id IS 'The run during which it happened; NULL outside any.';
COMMENT ON COLUMN store.span_open.experiment IS 'Name of the experiment it belongs to.';
COMMENT ON COLUMN store.span_open.service IS 'service.name of the process.';
COMMENT ON COLUMN store.span_open.host IS 'Name of the machine.';
COMMENT ON COLUMN store.span_open.pid IS 'Process id.';
COMMENT ON COLUMN store.span_open.file IS 'Spool file it came from.';
COMMENT ON COLUMN store.span_open.process_gone IS 'True once its process no longer runs.';

COMMENT ON TABLE store.span_event IS 'What happened within spans.';
COMMENT ON COLUMN store.span_event.trace_id IS '32 lower-case hexadecimal digits.';
COMMENT ON COLUMN store.span_event.span_id IS 'The span.';
COMMENT ON COLUMN store.span_event.ordinal IS 'Position, from 0.';
COMMENT ON COLUMN store.span_event.name IS 'Such as exception.';
COMMENT ON COLUMN store.span_event.at_ns IS 'Nanoseconds since the Unix epoch.';
COMMENT ON COLUMN store.span_event.attributes IS 'As recorded.';

COMMENT ON TABLE store.span_link IS 'What spans refer to.';
COMMENT ON COLUMN store.span_link.trace_id IS '32 lower-case hexadecimal digits.';
COMMENT ON COLUMN store.span_link.span_id IS 'The span.';
COMMENT ON COLUMN store.span_link.ordinal IS 'Position, from 0.';
COMMENT ON COLUMN store.span_link.linked_trace_id IS 'Trace of the other span.';
COMMENT ON COLUMN store.span_link.linked_span_id IS 'The other span.';
COMMENT ON COLUMN store.span_link.attributes IS 'As recorded.';

COMMENT ON TABLE store.assessment IS 'What people, judges and code said of traces, spans and evaluation rows.';
COMMENT ON COLUMN store.assessment.assessment_id IS 'Unique.';
COMMENT ON COLUMN store.assessment.trace_id IS 'The trace that was assessed.';
COMMENT ON COLUMN store.assessment.span_id IS 'The span that was assessed; NULL: the whole trace.';
COMMENT ON COLUMN store.assessment.run_id IS 'The run it belongs to.';
COMMENT ON COLUMN store.assessment.evaluation_row_id IS 'The evaluation row it belongs to.';
COMMENT ON COLUMN store.assessment.kind IS 'feedback or expectation.';
COMMENT ON COLUMN store.assessment.name IS 'What was assessed, such as correctness.';
COMMENT ON COLUMN store.assessment.status IS
  'scored, unscored, failed or skipped, for what an evaluation gave; NULL otherwise.';
COMMENT ON COLUMN store.assessment.value IS 'JSON value.';
COMMENT ON COLUMN store.assessment.score IS
  'The value as a number (true is 1); NULL when it is none.';
COMMENT ON COLUMN store.assessment.label IS 'The value as a text; NULL when it is none.';
COMMENT ON COLUMN store.assessment.rationale IS 'Why, in words.';
COMMENT ON COLUMN store.assessment.source_type IS 'HUMAN, LLM_JUDGE or CODE.';
COMMENT ON COLUMN store.assessment.source_id IS 'Which person, judge or code.';
COMMENT ON COLUMN store.assessment.evaluator_version IS 'Of the evaluator: scores of different versions don''t compare.';
COMMENT ON COLUMN store.assessment.error IS 'Why there is no value.';
COMMENT ON COLUMN store.assessment.judge_trace_id IS 'Trace of the judge''s own model calls.';
COMMENT ON COLUMN store.assessment.cost_usd IS 'US dollars that the judge cost.';
COMMENT ON COLUMN store.assessment.at_ns IS 'Nanoseconds since the Unix epoch.';
COMMENT ON COLUMN store.assessment.replaces_id IS 'The assessment that this one replaces.';
COMMENT ON COLUMN store.assessment.deleted_ns IS 'NULL unless deleted.';
COMMENT ON COLUMN store.assessment.metadata IS 'JSON object.';

COMMENT ON TABLE store.artifact IS 'Files of runs and traces.';
COMMENT ON COLUMN store.artifact.run_id IS 'The run it belongs to, or NULL.';
COMMENT ON COLUMN store.artifact.trace_id IS 'The trace it belongs to, or NULL.';
COMMENT ON COLUMN store.artifact.path IS 'Its name: relative, with forward slashes.';
COMMENT ON COLUMN store.artifact.sha256 IS 'Of its content, by which it is stored.';
COMMENT ON COLUMN store.artifact.bytes IS 'Size.';
COMMENT ON COLUMN store.artifact.media_type IS 'Such as image/png.';
COMMENT ON COLUMN store.artifact.at_ns IS 'Nanoseconds since the Unix epoch.';
COMMENT ON COLUMN store.artifact.deleted_ns IS 'NULL unless deleted.';

COMMENT ON TABLE store.dataset IS 'Versions of datasets.';
COMMENT ON COLUMN store.dataset.dataset_id IS 'Unique.';
COMMENT ON COLUMN store.dataset.name IS 'What it is called.';
COMMENT ON COLUMN store.dataset.version IS 'From 1.';
COMMENT ON COLUMN store.dataset.content_hash IS 'Of its rows.';
COMMENT ON COLUMN store.dataset.created_ns IS 'Nanoseconds since the Unix epoch.';
COMMENT ON COLUMN store.dataset.source IS 'Where it came from.';

COMMENT ON TABLE store.dataset_row IS 'Rows of datasets.';
COMMENT ON COLUMN store.dataset_row.dataset_id IS 'The dataset.';
COMMENT ON COLUMN store.dataset_row.row_id IS 'Unique within it.';
COMMENT ON COLUMN store.dataset_row.ordinal IS 'Position, from 0.';
COMMENT ON COLUMN store.dataset_row.inputs IS 'JSON.';
COMMENT ON COLUMN store.dataset_row.outputs IS 'JSON; NULL unless the data had outputs.';
COMMENT ON COLUMN store.dataset_row.context IS 'JSON array of retrieved texts, in rank order.';
COMMENT ON COLUMN store.dataset_row.row_group IS 'Rows of one group belong together.';
COMMENT ON COLUMN store.dataset_row.split IS 'Such as train or test.';
COMMENT ON COLUMN store.dataset_row.tags IS 'JSON object of texts.';
COMMENT ON COLUMN store.dataset_row.expectations IS 'JSON.';
COMMENT ON COLUMN store.dataset_row.metadata IS 'JSON.';
COMMENT ON COLUMN store.dataset_row.source_trace_id IS 'The trace it was made from.';

COMMENT ON TABLE store.evaluation_row IS 'One row of a dataset as evaluated in one run.';
COMMENT ON COLUMN store.evaluation_row.evaluation_row_id IS 'Unique.';
COMMENT ON COLUMN store.evaluation_row.run_id IS 'The evaluation run.';
COMMENT ON COLUMN store.evaluation_row.dataset_id IS 'The dataset.';
COMMENT ON COLUMN store.evaluation_row.row_id IS 'The row of the dataset.';
COMMENT ON COLUMN store.evaluation_row.ordinal IS 'Position, from 0.';
COMMENT ON COLUMN store.evaluation_row.trial IS 'Repetition, from 0.';
COMMENT ON COLUMN store.evaluation_row.row_group IS 'Rows of one group belong together and count as one cluster.';
COMMENT ON COLUMN store.evaluation_row.status IS
  'scored, unscored, failed or skipped: exactly one.';
COMMENT ON COLUMN store.evaluation_row.reason IS 'Why it is not scored.';
COMMENT ON COLUMN store.evaluation_row.error_type IS 'Class of the error of the program under test.';
COMMENT ON COLUMN store.evaluation_row.trace_id IS 'Trace of the program under test.';
COMMENT ON COLUMN store.evaluation_row.inputs IS 'JSON.';
COMMENT ON COLUMN store.evaluation_row.outputs IS 'JSON.';
COMMENT ON COLUMN store.evaluation_row.expectations IS 'JSON.';
COMMENT ON COLUMN store.evaluation_row.duration_ms IS 'Milliseconds.';
COMMENT ON COLUMN store.evaluation_row.time_to_first_piece_ms IS
  'Milliseconds until the first piece of a streamed output.';
COMMENT ON COLUMN store.evaluation_row.cost_usd IS 'US dollars.';
COMMENT ON COLUMN store.evaluation_row.at_ns IS 'Nanoseconds since the Unix epoch.';

COMMENT ON TABLE store.prompt IS 'Versions of prompts.';
COMMENT ON COLUMN store.prompt.name IS 'What it is called.';
COMMENT ON COLUMN store.prompt.version IS 'From 1.';
COMMENT ON COLUMN store.prompt.template IS 'Text.';
COMMENT ON COLUMN store.prompt.messages IS 'JSON.';
COMMENT ON COLUMN store.prompt.config IS 'JSON.';
COMMENT ON COLUMN store.prompt.content_hash IS 'Of its content.';
COMMENT ON COLUMN store.prompt.message IS 'What changed.';
COMMENT ON COLUMN store.prompt.at_ns IS 'Nanoseconds since the Unix epoch.';

COMMENT ON TABLE store.prompt_alias IS 'Names for versions of prompts, such as production.';
COMMENT ON COLUMN store.prompt_alias.name IS 'The prompt.';
COMMENT ON COLUMN store.prompt_alias.alias IS 'The name.';
COMMENT ON COLUMN store.prompt_alias.version IS 'The version it stands for.';
COMMENT ON COLUMN store.prompt_alias.at_ns IS 'Nanoseconds since the Unix epoch.';

COMMENT ON VIEW traces IS 'One row for each trace. Its head is the span without parent, else the earliest.';
COMMENT ON COLUMN traces.trace_id IS '32 lower-case hexadecimal digits.';
COMMENT ON COLUMN traces.name IS 'Name of the head.';
COMMENT ON COLUMN traces.status IS
  'UNFINISHED if a span is, else ERROR if the head failed, else OK.';
COMMENT ON COLUMN traces.error_type IS 'Error of the head, else the first error of any span.';
COMMENT ON COLUMN traces.span_count IS 'Spans, unfinished ones included.';
COMMENT ON COLUMN traces.error_count IS 'Spans with status ERROR.';
COMMENT ON COLUMN traces.start_time IS 'Start of the earliest span, UTC.';
COMMENT ON COLUMN traces.duration_ms IS 'Milliseconds from the earliest start to the latest end.';
COMMENT ON COLUMN traces.input IS 'JSON text: input of the head, or its messages.';
COMMENT ON COLUMN traces.output IS 'JSON text: output of the head, or its messages.';
COMMENT ON COLUMN traces.model IS 'Model that the first answering call asked for; an embedding model only where there is no other.';
COMMENT ON COLUMN traces.input_tokens IS
  'Sum over model calls alone, since agents and workflows repeat the sums of their children.';
COMMENT ON COLUMN traces.output_tokens IS 'Sum over model calls alone.';
COMMENT ON COLUMN traces.cost_usd IS 'US dollars; sum over model calls whose cost is known.';
COMMENT ON COLUMN traces.session_id IS 'The conversation or session, as the program named it.';
COMMENT ON COLUMN traces.user_id IS 'The end user, as the program named them.';
COMMENT ON COLUMN traces.run_id IS 'The run during which it happened; NULL outside any.';
COMMENT ON COLUMN traces.experiment IS 'Name of the experiment it belongs to.';

COMMENT ON VIEW spans IS 'One row for each span, unfinished ones included.';
COMMENT ON COLUMN spans.trace_id IS '32 lower-case hexadecimal digits.';
COMMENT ON COLUMN spans.span_id IS '16 lower-case hexadecimal digits; unique within its trace.';
COMMENT ON COLUMN spans.parent_span_id IS 'The span around it, in the same trace; NULL for a root.';
COMMENT ON COLUMN spans.name IS 'What the span is called, such as `chat gpt-4o`.';
COMMENT ON COLUMN spans.operation IS
  'What kind of work (gen_ai.operation.name): chat, embeddings, execute_tool, retrieval, invoke_agent, ...';
COMMENT ON COLUMN spans.span_type IS
  'What the user or the library calls the kind of work, where operation has no word: chain, guardrail, ...';
COMMENT ON COLUMN spans.kind IS
  'OpenTelemetry''s span kind: INTERNAL, CLIENT, SERVER, PRODUCER or CONSUMER.';
COMMENT ON COLUMN spans.status IS 'UNSET, OK, ERROR, or UNFINISHED where no end was recorded.';
COMMENT ON COLUMN spans.status_message IS 'What went wrong, in the words of the error.';
COMMENT ON COLUMN spans.error_type IS 'The provider''s error code, or the class of the exception.';
COMMENT ON COLUMN spans.start_time IS 'UTC, to the nanosecond.';
COMMENT ON COLUMN spans.end_time IS 'UTC, to the nanosecond; NULL while unfinished.';
COMMENT ON COLUMN spans.duration_ms IS 'Milliseconds, never negative; NULL while unfinished.';
COMMENT ON COLUMN spans.provider IS
  'Who served the model (gen_ai.provider.name), such as openai or azure.ai.openai.';
COMMENT ON COLUMN spans.request_model IS 'The model that was asked for.';
COMMENT ON COLUMN spans.response_model IS 'The model that answered.';
COMMENT ON COLUMN spans.response_id IS 'The provider''s id of the answer.';
COMMENT ON COLUMN spans.finish_reasons IS 'Why the model stopped, one for each choice.';
COMMENT ON COLUMN spans.input_tokens IS
  'Tokens of the request as billed; includes cache_read_tokens and cache_write_tokens. NULL: not reported.';
COMMENT ON COLUMN spans.output_tokens IS
  'Tokens of the answer as billed; includes reasoning_tokens. NULL: not reported.';
COMMENT ON COLUMN spans.cache_read_tokens IS
  'Tokens of the request that came from the provider''s cache.';
COMMENT ON COLUMN spans.cache_write_tokens IS
  'Tokens of the request that were written to the provider''s cache.';
COMMENT ON COLUMN spans.reasoning_tokens IS 'Tokens of the answer spent on reasoning.';
COMMENT ON COLUMN spans.cost_usd IS 'US dollars. NULL: the price is unknown; never 0 for that.';
COMMENT ON COLUMN spans.cost_source IS
  'Who says so: provider, or prices:<version of the price table>.';
COMMENT ON COLUMN spans.time_to_first_token_ms IS
  'Milliseconds from the request to the first chunk of a stream.';
COMMENT ON COLUMN spans.tool_name IS 'The tool that was executed.';
COMMENT ON COLUMN spans.agent_name IS 'The agent that was invoked.';
COMMENT ON COLUMN spans.prompt_name IS 'Name of the prompt template.';
COMMENT ON COLUMN spans.prompt_version IS 'Version of the prompt template.';
COMMENT ON COLUMN spans.session_id IS 'The conversation or session, as the program named it.';
COMMENT ON COLUMN spans.user_id IS 'The end user, as the program named them.';
COMMENT ON COLUMN spans.run_id IS 'The run during which it happened; NULL outside any.';
COMMENT ON COLUMN spans.experiment IS 'Name of the experiment it belongs to.';
COMMENT ON COLUMN spans.input IS
  'JSON text: arguments of a tool or function, query of a retrieval, body of a request.';
COMMENT ON COLUMN spans.output IS
  'JSON text: result of a tool or function, documents of a retrieval, body of an answer.';
COMMENT ON COLUMN spans.input_messages IS
  'JSON text as recorded: [{role, parts: [...]}] (GenAI conventions).';
COMMENT ON COLUMN spans.output_messages IS 'JSON text as recorded: one message for each choice.';
COMMENT ON COLUMN spans.system_instructions IS 'JSON text as recorded: parts of the system prompt.';
COMMENT ON COLUMN spans.tool_definitions IS
  'JSON text as recorded: the tools that the model could call.';
COMMENT ON COLUMN spans.scope IS 'The instrumentation that made it, such as tracekit.openai.';
COMMENT ON COLUMN spans.service IS 'service.name of the process.';
COMMENT ON COLUMN spans.host IS 'Name of the machine.';
COMMENT ON COLUMN spans.pid IS 'Process id.';
COMMENT ON COLUMN spans.incomplete IS 'True for a stream that was broken off or never read.';
COMMENT ON COLUMN spans.process_gone IS 'True for an unfinished span whose process no longer runs.';
COMMENT ON COLUMN spans.attributes IS
  'All attributes that have no column, names as recorded. Read one with attributes."app.route".';
COMMENT ON COLUMN spans.resource IS
  'Resource attributes of the process, where they are not those of view processes.';

COMMENT ON VIEW span_events IS 'What happened within spans: exceptions, retries.';
COMMENT ON COLUMN span_events.trace_id IS '32 lower-case hexadecimal digits.';
COMMENT ON COLUMN span_events.span_id IS 'The span.';
COMMENT ON COLUMN span_events.ordinal IS 'Position, from 0.';
COMMENT ON COLUMN span_events.name IS 'Such as exception.';
COMMENT ON COLUMN span_events.time IS 'UTC.';
COMMENT ON COLUMN span_events.attributes IS 'As recorded.';

COMMENT ON VIEW span_links IS 'What spans refer to.';
COMMENT ON COLUMN span_links.trace_id IS '32 lower-case hexadecimal digits.';
COMMENT ON COLUMN span_links.span_id IS 'The span.';
COMMENT ON COLUMN span_links.ordinal IS 'Position, from 0.';
COMMENT ON COLUMN span_links.linked_trace_id IS 'Trace of the other span.';
COMMENT ON COLUMN span_links.linked_span_id IS 'The other span.';
COMMENT ON COLUMN span_links.attributes IS 'As recorded.';

COMMENT ON VIEW experiments IS 'Named groups of runs and traces, without deleted ones.';
COMMENT ON COLUMN experiments.experiment_id IS 'Unique.';
COMMENT ON COLUMN experiments.name IS 'What it is called.';
COMMENT ON COLUMN experiments.created_time IS 'UTC.';

COMMENT ON VIEW runs IS 'One row for each run, without deleted ones.';
COMMENT ON COLUMN runs.run_id IS 'Unique.';
COMMENT ON COLUMN runs.run_name IS 'What the run is called.';
COMMENT ON COLUMN runs.experiment_id IS 'Its experiment.';
COMMENT ON COLUMN runs.experiment IS 'Name of the experiment it belongs to.';
COMMENT ON COLUMN runs.kind IS 'user or evaluation.';
COMMENT ON COLUMN runs.parent_run_id IS 'The run around it; NULL for an outermost one.';
COMMENT ON COLUMN runs.status IS 'RUNNING, SCHEDULED, FINISHED, FAILED or KILLED.';
COMMENT ON COLUMN runs.start_time IS 'UTC.';
COMMENT ON COLUMN runs.end_time IS 'UTC; NULL while running.';
COMMENT ON COLUMN runs.duration_ms IS 'Milliseconds; NULL while running.';
COMMENT ON COLUMN runs.user_name IS 'Who started it.';
COMMENT ON COLUMN runs.source IS 'JSON: entry point, git commit, versions.';

COMMENT ON VIEW params IS 'Params of runs.';
COMMENT ON COLUMN params.run_id IS 'The run.';
COMMENT ON COLUMN params.key IS 'What it is called.';
COMMENT ON COLUMN params.value IS 'Text as logged.';

COMMENT ON VIEW metrics IS 'All values of metrics of runs.';
COMMENT ON COLUMN metrics.run_id IS 'The run.';
COMMENT ON COLUMN metrics.key IS 'What it is called.';
COMMENT ON COLUMN metrics.step IS 'As logged; 0 unless given.';
COMMENT ON COLUMN metrics.time IS 'UTC.';
COMMENT ON COLUMN metrics.value IS 'NaN and infinities are kept.';

COMMENT ON VIEW metrics_last IS 'The last value of each metric: the highest step, then the latest time.';
COMMENT ON COLUMN metrics_last.run_id IS 'The run.';
COMMENT ON COLUMN metrics_last.key IS 'What it is called.';
COMMENT ON COLUMN metrics_last.value IS 'The last one.';
COMMENT ON COLUMN metrics_last.step IS 'The highest.';
COMMENT ON COLUMN metrics_last.points IS 'Number of values.';
COMMENT ON COLUMN metrics_last.min_value IS 'The smallest.';
COMMENT ON COLUMN metrics_last.max_value IS 'The largest.';

COMMENT ON VIEW tags IS 'Tags of runs, traces and experiments.';
COMMENT ON COLUMN tags.subject IS 'run, trace or experiment.';
COMMENT ON COLUMN tags.subject_id IS 'Its id.';
COMMENT ON COLUMN tags.key IS 'What it is called.';
COMMENT ON COLUMN tags.value IS 'Text.';
COMMENT ON COLUMN tags.time IS 'When it was set, UTC.';

COMMENT ON VIEW assessments IS 'What people, judges and code said, without what was replaced or deleted.';
COMMENT ON COLUMN assessments.assessment_id IS 'Unique.';
COMMENT ON COLUMN assessments.trace_id IS 'The trace that was assessed.';
COMMENT ON COLUMN assessments.span_id IS 'The span that was assessed; NULL: the whole trace.';
COMMENT ON COLUMN assessments.run_id IS 'The run it belongs to.';
COMMENT ON COLUMN assessments.evaluation_row_id IS 'The evaluation row it belongs to.';
COMMENT ON COLUMN assessments.kind IS 'feedback or expectation.';
COMMENT ON COLUMN assessments.name IS 'What was assessed, such as correctness.';
COMMENT ON COLUMN assessments.status IS
  'scored, unscored, failed or skipped, for what an evaluation gave; NULL otherwise.';
COMMENT ON COLUMN assessments.value IS 'JSON value.';
COMMENT ON COLUMN assessments.score IS 'The value as a number (true is 1); NULL when it is none.';
COMMENT ON COLUMN assessments.label IS 'The value as a text; NULL when it is none.';
COMMENT ON COLUMN assessments.rationale IS 'Why, in words.';
COMMENT ON COLUMN assessments.source_type IS 'HUMAN, LLM_JUDGE or CODE.';
COMMENT ON COLUMN assessments.source_id IS 'Which person, judge or code.';
COMMENT ON COLUMN assessments.evaluator_version IS 'Of the evaluator: scores of different versions don''t compare.';
COMMENT ON COLUMN assessments.error IS 'Why there is no value.';
COMMENT ON COLUMN assessments.judge_trace_id IS 'Trace of the judge''s own model calls.';
COMMENT ON COLUMN assessments.cost_usd IS 'US dollars that the judge cost.';
COMMENT ON COLUMN assessments.time IS 'UTC.';
COMMENT ON COLUMN assessments.metadata IS 'JSON object.';

COMMENT ON VIEW artifacts IS 'Files of runs and traces, without deleted ones.';
COMMENT ON COLUMN artifacts.run_id IS 'The run it belongs to, or NULL.';
COMMENT ON COLUMN artifacts.trace_id IS 'The trace it belongs to, or NULL.';
COMMENT ON COLUMN artifacts.path IS 'Its name: relative, with forward slashes.';
COMMENT ON COLUMN artifacts.sha256 IS 'Of its content, by which it is stored.';
COMMENT ON COLUMN artifacts.bytes IS 'Size.';
COMMENT ON COLUMN artifacts.media_type IS 'Such as image/png.';
COMMENT ON COLUMN artifacts.time IS 'UTC.';

COMMENT ON VIEW datasets IS 'Versions of datasets.';
COMMENT ON COLUMN datasets.dataset_id IS 'Unique.';
COMMENT ON COLUMN datasets.name IS 'What it is called.';
COMMENT ON COLUMN datasets.version IS 'From 1.';
COMMENT ON COLUMN datasets.content_hash IS 'Of its rows.';
COMMENT ON COLUMN datasets.created_time IS 'UTC.';
COMMENT ON COLUMN datasets.source IS 'Where it came from.';

COMMENT ON VIEW evaluation_rows IS 'One row of a dataset as evaluated in one run.';
COMMENT ON COLUMN evaluation_rows.evaluation_row_id IS 'Unique.';
COMMENT ON COLUMN evaluation_rows.run_id IS 'The evaluation run.';
COMMENT ON COLUMN evaluation_rows.dataset_id IS 'The dataset.';
COMMENT ON COLUMN evaluation_rows.row_id IS 'The row of the dataset.';
COMMENT ON COLUMN evaluation_rows.ordinal IS 'Position, from 0.';
COMMENT ON COLUMN evaluation_rows.trial IS 'Repetition, from 0.';
COMMENT ON COLUMN evaluation_rows.row_group IS 'Rows of one group belong together and count as one cluster.';
COMMENT ON COLUMN evaluation_rows.status IS 'scored, unscored, failed or skipped: exactly one.';
COMMENT ON COLUMN evaluation_rows.reason IS 'Why it is not scored.';
COMMENT ON COLUMN evaluation_rows.error_type IS 'Class of the error of the program under test.';
COMMENT ON COLUMN evaluation_rows.trace_id IS 'Trace of the program under test.';
COMMENT ON COLUMN evaluation_rows.inputs IS 'JSON.';
COMMENT ON COLUMN evaluation_rows.outputs IS 'JSON.';
COMMENT ON COLUMN evaluation_rows.expectations IS 'JSON.';
COMMENT ON COLUMN evaluation_rows.duration_ms IS 'Milliseconds.';
COMMENT ON COLUMN evaluation_rows.time_to_first_piece_ms IS
  'Milliseconds until the first piece of a streamed output.';
COMMENT ON COLUMN evaluation_rows.cost_usd IS 'US dollars.';
COMMENT ON COLUMN evaluation_rows.time IS 'UTC.';

COMMENT ON VIEW dataset_rows IS 'Rows of saved datasets.';
COMMENT ON COLUMN dataset_rows.dataset_id IS 'The version of a dataset that it belongs to.';
COMMENT ON COLUMN dataset_rows.row_id IS 'Unique within it.';
COMMENT ON COLUMN dataset_rows.ordinal IS 'Position, from 0.';
COMMENT ON COLUMN dataset_rows.inputs IS 'JSON.';
COMMENT ON COLUMN dataset_rows.outputs IS 'JSON; NULL unless the data had outputs.';
COMMENT ON COLUMN dataset_rows.expectations IS 'JSON.';
COMMENT ON COLUMN dataset_rows.context IS 'JSON array of retrieved texts, in rank order.';
COMMENT ON COLUMN dataset_rows.row_group IS 'Rows of one group belong together.';
COMMENT ON COLUMN dataset_rows.split IS 'Such as train or test.';
COMMENT ON COLUMN dataset_rows.tags IS 'JSON object of texts.';
COMMENT ON COLUMN dataset_rows.metadata IS 'JSON.';
COMMENT ON COLUMN dataset_rows.source_trace_id IS 'The trace that it was made from.';

COMMENT ON VIEW processes IS 'Processes that recorded here.';
COMMENT ON COLUMN processes.host IS 'Name of the machine.';
COMMENT ON COLUMN processes.pid IS 'Process id.';
COMMENT ON COLUMN processes.service IS 'service.name.';
COMMENT ON COLUMN processes.resource IS 'JSON: resource attributes.';
COMMENT ON COLUMN processes.start_time IS 'When it first recorded, UTC.';
COMMENT ON COLUMN processes.last_time IS 'When its records were last read, UTC.';
COMMENT ON COLUMN processes.ended IS 'True once it no longer runs.';
COMMENT ON COLUMN processes.records IS 'Records read.';
COMMENT ON COLUMN processes.bad_records IS 'Records kept aside, see store.bad_record.';
COMMENT ON COLUMN processes.lost_records IS 'Records that it could not write, as it reported.';
