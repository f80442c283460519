"""What is old enough to go, and what holds it back: as SQL, in a transaction of the caller's.

`doomed_trace` and `doomed_run` are temporary tables of ids. A trace goes whole or not at all.
"""

import time
from collections.abc import Sequence

from tracekit.errors import ConfigError
from tracekit.filters import TRACES, parse_filter
from tracekit.store.connection import Connection
from tracekit.store.search import find_trace_ids

KEEP_TAG = "tracekit.keep"
"""A run or trace with this tag is never removed, unless its value is `false`."""

ASSESSED = "assessed by people"

_CLOCKS_BEGIN_NS = 946_684_800_000_000_000
"""2000-01-01. A time before it comes from a machine whose clock was not set."""

_DOOMED_RUNS = f"""
CREATE OR REPLACE TEMP TABLE doomed_run AS
WITH RECURSIVE member AS (
  SELECT run_id AS family, run_id FROM store.run r
  WHERE NOT EXISTS (FROM store.run p WHERE p.run_id = r.parent_run_id)
  UNION
  SELECT m.family, r.run_id FROM store.run r JOIN member m ON r.parent_run_id = m.run_id),
kept AS (
  SELECT DISTINCT m.family FROM member m JOIN store.run r USING (run_id)
  WHERE NOT $runs OR coalesce(r.end_ns, $cutoff) >= $cutoff
    OR coalesce(r.status, 'RUNNING') IN ('RUNNING', 'SCHEDULED')
    OR r.run_id IN (SELECT subject_id FROM store.tag WHERE subject = 'run'
                    AND key = '{KEEP_TAG}' AND value IS NOT NULL AND lower(value) <> 'false'))
SELECT run_id FROM member WHERE family NOT IN (FROM kept)
UNION
SELECT run_id FROM store.run WHERE deleted_ns < $cutoff
"""
_DOOMED_TRACES = f"""
CREATE OR REPLACE TEMP TABLE doomed_trace AS
WITH seen AS (
  SELECT trace_id, greatest(max(start_time), max(end_time)) AS last, max(at_ns) AS read_ns
  FROM store.span LEFT JOIN store.ingest USING (ingest_id) GROUP BY trace_id
  UNION ALL
  SELECT trace_id, max(start_time), max(coalesce(f.last_ns, f.first_ns))
  FROM store.span_open LEFT JOIN store.spool_file f USING (file) GROUP BY trace_id)
SELECT trace_id FROM seen GROUP BY trace_id
HAVING max(CASE WHEN epoch_ns(last) < {_CLOCKS_BEGIN_NS}
                THEN coalesce(read_ns, epoch_ns(last)) ELSE epoch_ns(last) END) < $cutoff
"""
_LIVING = "SELECT trace_id FROM store.span_open WHERE NOT process_gone"
_OF_RUNS = """
SELECT trace_id FROM store.span SEMI JOIN store.run USING (run_id)
ANTI JOIN doomed_run USING (run_id)
UNION SELECT trace_id FROM store.evaluation_row ANTI JOIN doomed_run USING (run_id)
UNION SELECT judge_trace_id FROM store.assessment ANTI JOIN doomed_run USING (run_id)
      WHERE run_id IS NOT NULL
"""
_OF_DATASETS = "SELECT source_trace_id FROM store.dataset_row"
_TAGGED = f"""
SELECT subject_id FROM store.tag WHERE subject = 'trace'
  AND key = '{KEEP_TAG}' AND value IS NOT NULL AND lower(value) <> 'false'
"""
_ASSESSED = """
SELECT trace_id FROM store.assessment
WHERE source_type = 'HUMAN' AND deleted_ns IS NULL AND trace_id IS NOT NULL
"""
_WORDS = {
    "errors": "SELECT trace_id FROM store.span WHERE status = 'ERROR'",
    "tagged": "SELECT subject_id FROM store.tag WHERE subject = 'trace' AND value IS NOT NULL",
}
_JUDGES_OF_KEPT = """
SELECT judge_trace_id FROM store.assessment a
WHERE trace_id IS NOT NULL AND NOT EXISTS (FROM doomed_trace d WHERE d.trace_id = a.trace_id)
"""

_DELETIONS = (
    *(
        f"DELETE FROM store.{table} WHERE trace_id IN (FROM doomed_trace)"
        for table in ("span", "span_open", "span_event", "span_link", "assessment", "artifact")
    ),
    *(
        f"DELETE FROM store.{table} WHERE run_id IN (FROM doomed_run)"
        for table in ("run", "param", "metric", "assessment", "artifact", "evaluation_row")
    ),
    "DELETE FROM store.tag WHERE subject = 'trace' AND subject_id IN (FROM doomed_trace)",
    "DELETE FROM store.tag WHERE subject = 'run' AND subject_id IN (FROM doomed_run)",
    "DELETE FROM store.artifact WHERE deleted_ns < $cutoff",
    "DELETE FROM store.assessment WHERE deleted_ns < $cutoff",
    "DELETE FROM store.bad_record WHERE seen_ns < $cutoff",
    """DELETE FROM store.experiment e WHERE deleted_ns < $cutoff
       AND NOT EXISTS (FROM store.run r WHERE r.experiment_id = e.experiment_id)""",
)


def check_keep(keep: Sequence[str]) -> None:
    """See that each is a word that is known, or a filter of traces.

    Raises:
        ConfigError: `none` is given together with others.
        FilterError: A filter can't be understood.
    """
    if "none" in keep and len(keep) > 1:
        raise ConfigError("`keep` is 'none' or names what to keep, not both")
    for each in keep:
        if each not in {*_WORDS, "none"}:
            parse_filter(each, TRACES)


def choose(
    connection: Connection, cutoff_ns: int, *, keep: Sequence[str], runs: bool
) -> dict[str, int]:
    """Fill `doomed_trace` and `doomed_run`. Gives how many older traces are kept, by reason."""
    connection.execute(_DOOMED_RUNS, {"cutoff": cutoff_ns, "runs": runs})
    connection.execute(_DOOMED_TRACES, {"cutoff": cutoff_ns})
    reasons = {"still running": _LIVING, "of runs": _OF_RUNS, "of datasets": _OF_DATASETS}
    reasons[f"tagged {KEEP_TAG}"] = _TAGGED
    if "none" not in keep:
        reasons[ASSESSED] = _ASSESSED
    reasons |= {word: _WORDS[word] for word in keep if word in _WORDS}
    spared = {reason: _spare(connection, query) for reason, query in reasons.items()}
    for filter_string in keep:
        if filter_string not in {*_WORDS, "none"}:
            spared[filter_string] = _spare_found(connection, filter_string)
    spared["of judges, for what is kept"] = _spare(connection, _JUDGES_OF_KEPT)
    return {reason: count for reason, count in spared.items() if count}


def delete(connection: Connection, cutoff_ns: int) -> None:
    """Delete what was chosen and all that belongs to it, and write down how many spans are left."""
    for statement in _DELETIONS:
        values = {"cutoff": cutoff_ns} if "$cutoff" in statement else None
        connection.execute(statement, values)
    connection.execute(
        "INSERT INTO store.ingest SELECT coalesce(max(ingest_id), 0) + 1, ?, 0, "
        "(SELECT count(*) FROM store.span) FROM store.ingest",
        [time.time_ns()],
    )


def _spare(connection: Connection, query: str) -> int:
    ((count,),) = connection.execute(
        f"DELETE FROM doomed_trace WHERE trace_id IN ({query})"
    ).fetchall()
    return int(count)


def _spare_found(connection: Connection, filter_string: str) -> int:
    ids = find_trace_ids(connection, filter_string)
    ((count,),) = connection.execute(
        "DELETE FROM doomed_trace WHERE trace_id IN (SELECT unnest(?::VARCHAR[]))", [ids]
    ).fetchall()
    return int(count)
