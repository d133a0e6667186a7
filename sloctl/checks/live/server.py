"""A Prometheus that is asked a bounded number of questions, none of them twice."""

from collections.abc import Callable
from typing import Any, TypeAlias

import msgspec

from sloctl.model import PromQL
from sloctl.prometheus.answers import InstantSample
from sloctl.prometheus.errors import QueryFailed, RequestFailed

Ask: TypeAlias = Callable[[PromQL], list[InstantSample]]
GetBody: TypeAlias = Callable[[str], bytes]


class QuestionLimit(QueryFailed):
    """No question is left of those that may be asked."""


class LiveServer:
    """The two ways to ask, with an account of what was asked."""

    def __init__(self, ask: Ask, get_body: GetBody, *, limit: int) -> None:
        self._ask = ask
        self._get_body = get_body
        self._limit = limit
        self._answers: dict[str, list[InstantSample] | QueryFailed] = {}
        self._documents: dict[str, Any] = {}
        self.asked = 0

    def query(self, query: PromQL) -> list[InstantSample]:
        """Evaluate *query* now; raises QueryFailed, also the second time, and QuestionLimit."""
        if query not in self._answers:
            self._count_question()
            try:
                self._answers[query] = self._ask(query)
            except QueryFailed as refused:
                self._answers[query] = refused
        answer = self._answers[query]
        if isinstance(answer, QueryFailed):
            raise answer
        return answer

    def number(self, query: PromQL) -> float | None:
        """Return the one value of *query*; None where it has none."""
        answer = self.query(query)
        return answer[0].value if answer else None

    def document(self, path: str) -> Any:  # noqa: ANN401 - each program leaves out what it does not know
        """Return the `data` of an answer; None where the server has no such thing."""
        if path not in self._documents:
            self._count_question()
            try:
                self._documents[path] = msgspec.json.decode(self._get_body(path)).get("data")
            except (RequestFailed, msgspec.DecodeError, AttributeError):
                # Thanos, Mimir and VictoriaMetrics answer 404 to some.
                self._documents[path] = None
        return self._documents[path]

    def _count_question(self) -> None:
        if self.asked >= self._limit:
            raise QuestionLimit(f"the limit of {self._limit} questions is reached: raise --max-queries")
        self.asked += 1
