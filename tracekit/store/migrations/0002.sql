-- What the evaluation engine writes beyond the first schema: the state of each score, the group
-- and the failure of each row, the rows of saved datasets.

ALTER TABLE store.assessment ADD COLUMN status VARCHAR;
ALTER TABLE store.assessment ADD COLUMN evaluator_version VARCHAR;
ALTER TABLE store.evaluation_row ADD COLUMN row_group VARCHAR;
ALTER TABLE store.evaluation_row ADD COLUMN error_type VARCHAR;
ALTER TABLE store.evaluation_row ADD COLUMN time_to_first_piece_ms DOUBLE;
ALTER TABLE store.dataset_row ADD COLUMN outputs JSON;
ALTER TABLE store.dataset_row ADD COLUMN context JSON;
ALTER TABLE store.dataset_row ADD COLUMN row_group VARCHAR;
ALTER TABLE store.dataset_row ADD COLUMN split VARCHAR;
ALTER TABLE store.dataset_row ADD COLUMN tags JSON;

CREATE OR REPLACE VIEW assessments AS
  SELECT assessment_id, trace_id, span_id, run_id, evaluation_row_id, kind, name, status, value,
    score, label, rationale, source_type, source_id, evaluator_version, error, judge_trace_id,
    cost_usd, make_timestamp_ns(at_ns) AS time, metadata
  FROM store.assessment a
  WHERE deleted_ns IS NULL
    AND NOT EXISTS (SELECT 1 FROM store.assessment b
                    WHERE b.replaces_id = a.assessment_id AND b.deleted_ns IS NULL);

CREATE OR REPLACE VIEW evaluation_rows AS
  SELECT evaluation_row_id, run_id, dataset_id, row_id, ordinal, trial, row_group, status, reason,
    error_type, trace_id, inputs, outputs, expectations, duration_ms, time_to_first_piece_ms,
    cost_usd, make_timestamp_ns(at_ns) AS time
  FROM store.evaluation_row;

CREATE VIEW dataset_rows AS
  SELECT dataset_id, row_id, ordinal, inputs, outputs, expectations, context, row_group, split,
    tags, metadata, source_trace_id
  FROM store.dataset_row;
