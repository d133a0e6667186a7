"""The rules of one tenant on a ruler, by the API that Mimir and Cortex share; one request each."""

from http import HTTPStatus
from typing import Final
from urllib.parse import quote

from sloctl.problems import escape_unprintable
from sloctl.prometheus.answers import HttpResponse, describe_status
from sloctl.prometheus.credentials import ClientOptions
from sloctl.prometheus.errors import RequestFailed
from sloctl.prometheus.plain_client import PlainHttpClient
from sloctl.ruler.groups import StoredGroup, UnreadableGroups, read_namespaces
from sloctl.ruler.push_plan import PushStep, StepKind

# Of Mimir; Cortex has `/api/v1/rules`.
MIMIR_RULES_PATH: Final = "/prometheus/config/v1/rules"
_YAML: Final = {"Content-Type": "application/yaml"}
# Of what a ruler says of a refusal.
_REASON_LENGTH: Final = 300


class RulerClient:
    """The groups of one tenant below *url*; every method raises RequestFailed, which names the server."""

    def __init__(self, url: str, options: ClientOptions, rules_path: str = MIMIR_RULES_PATH) -> None:
        """Raise RequestFailed where *url* is none of an http or https server, or holds a password."""
        self._http = PlainHttpClient(url, options)
        self._path = rules_path.rstrip("/")

    def read_namespaces(self) -> dict[str, dict[str, StoredGroup]]:
        """Read all groups of the tenant by namespace; none is an answer too."""
        answer = self._http.request(self._path)
        if answer.status == HTTPStatus.NOT_FOUND and b"no rule groups found" in answer.body:
            return {}
        self._require(answer, HTTPStatus.OK)
        try:
            return read_namespaces(answer.body or b"{}")
        except UnreadableGroups as wrong:
            raise RequestFailed(f"{self._http.display_url}: {wrong}") from None

    def take_step(self, step: PushStep) -> None:
        """Add, change or delete one group."""
        path = f"{self._path}/{quote(step.namespace, safe='')}"
        if step.kind is StepKind.DELETE:
            answer = self._http.request(f"{path}/{quote(step.group.name, safe='')}", method="DELETE")
        else:
            answer = self._http.request(path, body=step.group.text.encode(), headers=_YAML)
        # The ruler has accepted it, and its parts will find it within a poll interval.
        self._require(answer, HTTPStatus.ACCEPTED, HTTPStatus.OK, HTTPStatus.NO_CONTENT)

    def _require(self, answer: HttpResponse, *statuses: HTTPStatus) -> None:
        if answer.status not in statuses:
            said = answer.body.decode(errors="replace").strip()
            reason = f"answered {answer.status}: {escape_unprintable(said[:_REASON_LENGTH])}"
            raise RequestFailed(
                f"{self._http.display_url}: {reason if said else describe_status(answer.status)}"
            )
