"""What evaluations write: rows with their scores."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from tracekit.tracking.access import StoreAccess


class EvaluationClient(StoreAccess):
    """The part of `TracekitClient` that deals with evaluations."""

    def log_evaluation_row(
        self,
        run_id: str,
        row_id: str,
        trial: int,
        scores: Sequence[Mapping[str, Any]],
        **facts: Any,
    ) -> str:
        """Record one row as it ended, with all its scores, in one record that survives a kill.

        A later record of the same run, row and trial replaces it.

        Args:
            scores: `name`, `status`, `value`, `score`, `label`, `rationale`, `error`,
                `source_type`, `source_id`, `metadata` of each; see the view `assessments`.
            facts: Columns of the view `evaluation_rows`.

        Returns:
            The id of the evaluation row, which follows from run, row and trial.
        """
        row = evaluation_row_id(run_id, row_id, trial)
        self._record(
            "evaluation_row",
            evaluation_row_id=row,
            run_id=run_id,
            row_id=row_id,
            trial=trial,
            scores=scores,
            **facts,
        )
        return row


def evaluation_row_id(run_id: str, row_id: str, trial: int) -> str:
    """The same for the same run, row and trial, in every process.

    >>> evaluation_row_id("r", "1", 0) == evaluation_row_id("r", "1", 0)
    True
    """
    return hashlib.blake2b(f"{run_id}\n{row_id}\n{trial}".encode(), digest_size=16).hexdigest()
