"""What tracekit raises, as a small tree.

    TracekitError
    ├── ConfigError      (ValueError)        a bad setting, argument or environment variable
    ├── StoreError       (OSError)           the store can't be opened, read or written
    │   ├── StoreLocked                      another process holds it
    │   ├── StoreNewer                       written by a newer tracekit
    │   └── StoreCorrupt                     its files are damaged
    ├── FilterError      (ValueError)        a filter or order that can't be understood
    ├── QueryError       (ValueError)        SQL that the store refuses
    ├── NotFoundError    (LookupError)       no run, trace, experiment, artifact of that name or id
    ├── RunError         (RuntimeError)      a run used in a way that can't be: nested without asking, resumed elsewhere
    ├── ArtifactError    (OSError)           an artifact can't be written or read
    ├── ReportError      (OSError)           a report can't be written
    ├── PriceError       (ValueError)        a price table that can't be used
    ├── StatisticsError  (ValueError)        numbers from which what is asked can't be computed
    ├── DatasetError     (ValueError)        data to evaluate that can't be read; names row and column
    ├── EvaluatorError   (ValueError)        an evaluator that can't be one, or what it gave can't be a score
    ├── EvaluationError  (ValueError)        an evaluation that can't be run as asked
    └── MissingExtraError (ImportError)      an optional package is not installed

Every message is one sentence: what, where, why, and what to do. The command line prints it
and exits with 2. Nothing here is ever raised inside a call of the traced program.
"""


class TracekitError(Exception):
    """The root of all errors that tracekit raises on purpose."""


class ConfigError(TracekitError, ValueError):
    """A setting, argument or environment variable that can't be used."""


class StoreError(TracekitError, OSError):
    """The store can't be opened, read or written."""


class StoreLocked(StoreError):
    """Another process holds the store."""


class StoreNewer(StoreError):
    """The store was written by a newer tracekit than this one."""


class StoreCorrupt(StoreError):
    """The files of the store are damaged."""


class FilterError(TracekitError, ValueError):
    """A filter or an order that can't be understood; the message points at the column."""


class QueryError(TracekitError, ValueError):
    """SQL that the store refuses; the message points at the place."""


class NotFoundError(TracekitError, LookupError):
    """No run, trace, experiment or artifact of that name or id."""


class RunError(TracekitError, RuntimeError):
    """A run used in a way that can't be."""


class ArtifactError(TracekitError, OSError):
    """An artifact that can't be written or read."""


class ReportError(TracekitError, OSError):
    """A report that can't be written."""


class PriceError(TracekitError, ValueError):
    """A price table that can't be used."""


class DatasetError(TracekitError, ValueError):
    """Data to evaluate that can't be read; the message names the row and the column."""


class EvaluatorError(TracekitError, ValueError):
    """An evaluator that can't be one, or that gave what can't be a score."""


class EvaluationError(TracekitError, ValueError):
    """An evaluation that can't be run as it was asked for."""


class StatisticsError(TracekitError, ValueError):
    """Numbers, or a request, from which no statistic can be computed; NaN among them."""


class MissingExtraError(TracekitError, ImportError):
    """An optional package that is not installed.

    >>> str(MissingExtraError("autolog('openai')", "openai"))
    "autolog('openai') needs an optional package: pip install 'tracekit[openai]'"
    """

    def __init__(self, what: str, extra: str) -> None:
        super().__init__(f"{what} needs an optional package: pip install 'tracekit[{extra}]'")
        self.extra = extra
