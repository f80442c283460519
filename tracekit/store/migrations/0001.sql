-- Private tables are in schema `store`, singular; the public interface is the views in `main`,
-- plural. What each column means is said in comments.sql. There are no keys, foreign keys or
-- indexes: the ingest is the only writer and guarantees uniqueness.
CREATE TABLE store.meta (
  key VARCHAR NOT NULL, value VARCHAR NOT NULL);
CREATE TABLE store.spool_file (
  file VARCHAR NOT NULL, read_bytes BIGINT NOT NULL, tail_crc BIGINT,
  records BIGINT NOT NULL, bad_records BIGINT NOT NULL, lost_records BIGINT NOT NULL,
  host VARCHAR, pid BIGINT, boot_id VARCHAR, pid_start BIGINT, service VARCHAR, resource JSON,
  first_ns BIGINT, last_ns BIGINT, ended BOOLEAN NOT NULL);
CREATE TABLE store.bad_record (
  file VARCHAR NOT NULL, offset_bytes BIGINT NOT NULL, reason VARCHAR NOT NULL,
  head VARCHAR NOT NULL, seen_ns BIGINT NOT NULL);
CREATE TABLE store.ingest (
  ingest_id BIGINT NOT NULL, at_ns BIGINT NOT NULL, rows BIGINT NOT NULL,
  total_rows BIGINT NOT NULL);

CREATE TABLE store.experiment (
  experiment_id VARCHAR NOT NULL, name VARCHAR NOT NULL, created_ns BIGINT NOT NULL,
  deleted_ns BIGINT, updated_ns BIGINT NOT NULL);
CREATE TABLE store.run (
  run_id VARCHAR NOT NULL, experiment_id VARCHAR, experiment VARCHAR, name VARCHAR,
  parent_run_id VARCHAR, kind VARCHAR, status VARCHAR, start_ns BIGINT, end_ns BIGINT,
  user_name VARCHAR, source JSON, deleted_ns BIGINT,
  file VARCHAR, first_ns BIGINT NOT NULL, field_ns JSON NOT NULL);
CREATE TABLE store.param (
  run_id VARCHAR NOT NULL, key VARCHAR NOT NULL, value VARCHAR NOT NULL, at_ns BIGINT NOT NULL);
CREATE TABLE store.metric (
  run_id VARCHAR NOT NULL, key VARCHAR NOT NULL, step BIGINT NOT NULL, at_ns BIGINT NOT NULL,
  value DOUBLE NOT NULL, file VARCHAR NOT NULL, seq BIGINT NOT NULL);
CREATE TABLE store.tag (
  subject VARCHAR NOT NULL, subject_id VARCHAR NOT NULL, key VARCHAR NOT NULL, value VARCHAR,
  at_ns BIGINT NOT NULL);

-- One wide table: columns that a query does not name are never read, a join always is.
CREATE TABLE store.span (
  trace_id VARCHAR NOT NULL, span_id VARCHAR NOT NULL, parent_span_id VARCHAR,
  start_time TIMESTAMP_NS NOT NULL, end_time TIMESTAMP_NS NOT NULL, duration_ns BIGINT NOT NULL,
  name VARCHAR NOT NULL, kind VARCHAR, operation VARCHAR, span_type VARCHAR,
  status VARCHAR NOT NULL, status_message VARCHAR, error_type VARCHAR,
  provider VARCHAR, request_model VARCHAR, response_model VARCHAR, response_id VARCHAR,
  finish_reasons VARCHAR[],
  input_tokens BIGINT, output_tokens BIGINT, cache_read_tokens BIGINT, cache_write_tokens BIGINT,
  reasoning_tokens BIGINT, cost_usd DOUBLE, cost_source VARCHAR, time_to_first_token_ns BIGINT,
  tool_name VARCHAR, agent_name VARCHAR, prompt_name VARCHAR, prompt_version VARCHAR,
  session_id VARCHAR, user_id VARCHAR, run_id VARCHAR, experiment VARCHAR,
  scope VARCHAR, service VARCHAR, host VARCHAR, pid BIGINT, incomplete BOOLEAN NOT NULL,
  input VARCHAR USING COMPRESSION zstd, output VARCHAR USING COMPRESSION zstd,
  input_messages VARCHAR USING COMPRESSION zstd, output_messages VARCHAR USING COMPRESSION zstd,
  system_instructions VARCHAR USING COMPRESSION zstd,
  tool_definitions VARCHAR USING COMPRESSION zstd,
  attributes VARIANT, resource VARIANT, ingest_id BIGINT NOT NULL);
-- Started, no end seen. Apart, since "latest row of each span" costs seconds on a big table.
CREATE TABLE store.span_open (
  trace_id VARCHAR NOT NULL, span_id VARCHAR NOT NULL, parent_span_id VARCHAR,
  start_time TIMESTAMP_NS NOT NULL, name VARCHAR NOT NULL, kind VARCHAR, operation VARCHAR,
  session_id VARCHAR, user_id VARCHAR, run_id VARCHAR, experiment VARCHAR,
  service VARCHAR, host VARCHAR, pid BIGINT, file VARCHAR NOT NULL, process_gone BOOLEAN NOT NULL);
CREATE TABLE store.span_event (
  trace_id VARCHAR NOT NULL, span_id VARCHAR NOT NULL, ordinal INTEGER NOT NULL,
  name VARCHAR NOT NULL, at_ns BIGINT NOT NULL, attributes JSON);
CREATE TABLE store.span_link (
  trace_id VARCHAR NOT NULL, span_id VARCHAR NOT NULL, ordinal INTEGER NOT NULL,
  linked_trace_id VARCHAR NOT NULL, linked_span_id VARCHAR NOT NULL, attributes JSON);

CREATE TABLE store.assessment (
  assessment_id VARCHAR NOT NULL, trace_id VARCHAR, span_id VARCHAR, run_id VARCHAR,
  evaluation_row_id VARCHAR, kind VARCHAR NOT NULL, name VARCHAR NOT NULL, value JSON,
  score DOUBLE, label VARCHAR, rationale VARCHAR, source_type VARCHAR, source_id VARCHAR,
  error VARCHAR, judge_trace_id VARCHAR, cost_usd DOUBLE, at_ns BIGINT NOT NULL,
  replaces_id VARCHAR, deleted_ns BIGINT, metadata JSON);
CREATE TABLE store.artifact (
  run_id VARCHAR, trace_id VARCHAR, path VARCHAR NOT NULL, sha256 VARCHAR, bytes BIGINT,
  media_type VARCHAR, at_ns BIGINT NOT NULL, deleted_ns BIGINT);

CREATE TABLE store.dataset (
  dataset_id VARCHAR NOT NULL, name VARCHAR NOT NULL, version INTEGER NOT NULL,
  content_hash VARCHAR NOT NULL, created_ns BIGINT, source JSON);
CREATE TABLE store.dataset_row (
  dataset_id VARCHAR NOT NULL, row_id VARCHAR NOT NULL, ordinal BIGINT, inputs JSON,
  expectations JSON, metadata JSON, source_trace_id VARCHAR);
CREATE TABLE store.evaluation_row (
  evaluation_row_id VARCHAR NOT NULL, run_id VARCHAR NOT NULL, dataset_id VARCHAR,
  row_id VARCHAR, ordinal BIGINT, trial INTEGER, status VARCHAR NOT NULL, reason VARCHAR,
  trace_id VARCHAR, inputs JSON, outputs JSON, expectations JSON, duration_ms DOUBLE,
  cost_usd DOUBLE, at_ns BIGINT);
CREATE TABLE store.prompt (
  name VARCHAR NOT NULL, version INTEGER NOT NULL, template VARCHAR, messages JSON, config JSON,
  content_hash VARCHAR NOT NULL, message VARCHAR, at_ns BIGINT);
CREATE TABLE store.prompt_alias (
  name VARCHAR NOT NULL, alias VARCHAR NOT NULL, version INTEGER NOT NULL, at_ns BIGINT NOT NULL);

CREATE VIEW experiments AS
  SELECT experiment_id, name, make_timestamp_ns(created_ns) AS created_time
  FROM store.experiment WHERE deleted_ns IS NULL;

CREATE VIEW runs AS
  SELECT r.run_id, r.name AS run_name, r.experiment_id, coalesce(e.name, r.experiment) AS experiment,
    coalesce(r.kind, 'user') AS kind, r.parent_run_id, coalesce(r.status, 'RUNNING') AS status,
    make_timestamp_ns(coalesce(r.start_ns, r.first_ns)) AS start_time,
    make_timestamp_ns(r.end_ns) AS end_time,
    (r.end_ns - coalesce(r.start_ns, r.first_ns)) / 1e6 AS duration_ms, r.user_name, r.source
  FROM store.run r LEFT JOIN store.experiment e USING (experiment_id)
  WHERE r.deleted_ns IS NULL;

CREATE VIEW params AS SELECT run_id, key, value FROM store.param;

CREATE VIEW metrics AS
  SELECT run_id, key, step, make_timestamp_ns(at_ns) AS time, value FROM store.metric;

CREATE VIEW metrics_last AS
  SELECT run_id, key, arg_max(value, (step, at_ns, seq)) AS value, max(step) AS step,
    count(*) AS points, min(value) AS min_value, max(value) AS max_value
  FROM store.metric GROUP BY run_id, key;

CREATE VIEW tags AS
  SELECT subject, subject_id, key, value, make_timestamp_ns(at_ns) AS time
  FROM store.tag WHERE value IS NOT NULL;

CREATE VIEW spans AS
  SELECT trace_id, span_id, parent_span_id, name, operation, span_type, kind, status,
    status_message, error_type, start_time, end_time, duration_ns / 1e6 AS duration_ms,
    provider, request_model, response_model, response_id, finish_reasons,
    input_tokens, output_tokens, cache_read_tokens, cache_write_tokens, reasoning_tokens,
    cost_usd, cost_source, time_to_first_token_ns / 1e6 AS time_to_first_token_ms,
    tool_name, agent_name, prompt_name, prompt_version, session_id, user_id, run_id, experiment,
    input, output, input_messages, output_messages, system_instructions, tool_definitions,
    scope, service, host, pid, incomplete, false AS process_gone, attributes, resource
  FROM store.span
  UNION ALL BY NAME
  SELECT trace_id, span_id, parent_span_id, name, operation, kind, 'UNFINISHED' AS status,
    start_time, session_id, user_id, run_id, experiment, service, host, pid, false AS incomplete,
    process_gone
  FROM store.span_open;

CREATE VIEW span_events AS
  SELECT trace_id, span_id, ordinal, name, make_timestamp_ns(at_ns) AS time, attributes
  FROM store.span_event;

CREATE VIEW span_links AS
  SELECT trace_id, span_id, ordinal, linked_trace_id, linked_span_id, attributes
  FROM store.span_link;

-- The head of a trace is the span without parent, else the earliest. Tokens and cost are summed
-- over model calls alone: agent and workflow spans repeat the sums of their children.
-- Bounded by time, since a filter on trace_id alone reads the texts of all spans.
CREATE MACRO store.traces_between(first_start, last_start) AS TABLE
  SELECT trace_id, arg_min(name, (parent_span_id IS NOT NULL, start_time)) AS name,
    CASE WHEN bool_or(status = 'UNFINISHED') THEN 'UNFINISHED'
         WHEN arg_min(status, (parent_span_id IS NOT NULL, start_time)) = 'ERROR' THEN 'ERROR'
         ELSE 'OK' END AS status,
    coalesce(arg_min_null(error_type, (parent_span_id IS NOT NULL, start_time)),
             arg_min(error_type, start_time)) AS error_type,
    count(*) AS span_count, count(*) FILTER (status = 'ERROR') AS error_count,
    min(start_time) AS start_time,
    (epoch_ns(max(end_time)) - epoch_ns(min(start_time))) / 1e6 AS duration_ms,
    coalesce(arg_min_null(input, (parent_span_id IS NOT NULL, start_time)),
             arg_min_null(input_messages, (parent_span_id IS NOT NULL, start_time))) AS input,
    coalesce(arg_min_null(output, (parent_span_id IS NOT NULL, start_time)),
             arg_min_null(output_messages, (parent_span_id IS NOT NULL, start_time))) AS output,
    coalesce(arg_min(request_model, start_time)
               FILTER (operation IN ('chat', 'text_completion', 'generate_content')),
             arg_min(request_model, start_time)) AS model,
    sum(input_tokens) FILTER (operation IN
      ('chat', 'text_completion', 'generate_content', 'embeddings'))::BIGINT AS input_tokens,
    sum(output_tokens) FILTER (operation IN
      ('chat', 'text_completion', 'generate_content', 'embeddings'))::BIGINT AS output_tokens,
    sum(cost_usd) FILTER (operation IN
      ('chat', 'text_completion', 'generate_content', 'embeddings')) AS cost_usd,
    arg_min(session_id, start_time) AS session_id, arg_min(user_id, start_time) AS user_id,
    arg_min(run_id, start_time) AS run_id, arg_min(experiment, start_time) AS experiment
  FROM spans WHERE start_time BETWEEN first_start AND last_start GROUP BY trace_id;

CREATE VIEW traces AS
  FROM store.traces_between(make_timestamp_ns(0), make_timestamp_ns(9223372036854775806));

CREATE VIEW assessments AS
  SELECT assessment_id, trace_id, span_id, run_id, evaluation_row_id, kind, name, value, score,
    label, rationale, source_type, source_id, error, judge_trace_id, cost_usd,
    make_timestamp_ns(at_ns) AS time, metadata
  FROM store.assessment a
  WHERE deleted_ns IS NULL
    AND NOT EXISTS (SELECT 1 FROM store.assessment b
                    WHERE b.replaces_id = a.assessment_id AND b.deleted_ns IS NULL);

CREATE VIEW artifacts AS
  SELECT run_id, trace_id, path, sha256, bytes, media_type, make_timestamp_ns(at_ns) AS time
  FROM store.artifact WHERE deleted_ns IS NULL;

CREATE VIEW datasets AS
  SELECT dataset_id, name, version, content_hash, make_timestamp_ns(created_ns) AS created_time,
    source
  FROM store.dataset;

CREATE VIEW evaluation_rows AS
  SELECT evaluation_row_id, run_id, dataset_id, row_id, ordinal, trial, status, reason, trace_id,
    inputs, outputs, expectations, duration_ms, cost_usd, make_timestamp_ns(at_ns) AS time
  FROM store.evaluation_row;

CREATE VIEW processes AS
  SELECT host, pid, service, resource, make_timestamp_ns(min(first_ns)) AS start_time,
    make_timestamp_ns(max(last_ns)) AS last_time, bool_and(ended) AS ended,
    sum(records)::BIGINT AS records, sum(bad_records)::BIGINT AS bad_records,
    max(lost_records) AS lost_records
  FROM store.spool_file WHERE pid IS NOT NULL
  GROUP BY host, pid, boot_id, pid_start, service, resource;
