"""What an evaluation may spend, and what it has spent: reserved before, settled after."""

import time
from collections import deque
from dataclasses import dataclass, field

from tracekit.errors import EvaluationError

_REMEMBERED = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """Ceilings. At the first one that is reached no more rows are begun; the run can be resumed.

    Raises:
        EvaluationError: A ceiling is not above zero.
    """

    max_cost_usd: float | None = None
    """US dollars, of targets and judges together."""
    max_tokens: int | None = None
    """Input and output tokens together."""
    max_seconds: float | None = None

    def __post_init__(self) -> None:
        for name in self.__slots__:
            limit = getattr(self, name)
            if limit is not None and not limit > 0:
                raise EvaluationError(f"`{name}` must be above zero, got {limit!r}")


@dataclass(slots=True)
class Spending:
    """What was spent, what a row usually costs, and whether one more may begin."""

    budget: Budget = field(default_factory=Budget)
    cost_usd: float = 0.0
    tokens: int = 0
    unpriced: int = 0
    """Model calls whose price is unknown."""
    _began: float = field(default_factory=time.monotonic)
    _in_flight: int = 0
    _rows: int = 0
    _recent: deque[tuple[float, int]] = field(default_factory=lambda: deque(maxlen=_REMEMBERED))
    _settled: tuple[float, int] = (0.0, 0)

    def spend(self, cost_usd: float | None, tokens: int) -> None:
        """Count one model call. None: its price is unknown."""
        self.tokens += tokens
        if cost_usd is None:
            self.unpriced += 1
        else:
            self.cost_usd += cost_usd

    def reserve(self) -> str | None:
        """Set aside what a row usually costs; why that can't be done, if it can't."""
        budget, (cost, tokens) = self.budget, self._usual()
        begun = self._in_flight + 1
        if budget.max_seconds is not None and self.seconds >= budget.max_seconds:
            return f"budget: {budget.max_seconds:g} s are over"
        if budget.max_cost_usd is not None and (
            self.cost_usd + cost * begun > budget.max_cost_usd
            or self.cost_usd >= budget.max_cost_usd
        ):
            return f"budget: ${self.cost_usd:.4f} of ${budget.max_cost_usd:g} are spent"
        if budget.max_tokens is not None and (
            self.tokens + tokens * begun > budget.max_tokens or self.tokens >= budget.max_tokens
        ):
            return f"budget: {self.tokens} of {budget.max_tokens} tokens are spent"
        self._in_flight = begun
        return None

    def settle(self) -> None:
        """A row has ended: what it cost is spent, and no longer set aside."""
        self._in_flight -= 1
        self._rows += 1
        before_cost, before_tokens = self._settled
        self._recent.append((self.cost_usd - before_cost, self.tokens - before_tokens))
        self._settled = (self.cost_usd, self.tokens)

    @property
    def seconds(self) -> float:
        """Since the evaluation began."""
        return time.monotonic() - self._began

    def _usual(self) -> tuple[float, int]:
        """The mean of what recent rows cost, of those that ran at the same time as well."""
        if not self._recent:
            return 0.0, 0
        costs, tokens = zip(*self._recent, strict=True)
        return sum(costs) / len(costs), sum(tokens) // len(tokens)
