"""The routes of the API that the operator uses, and how urgent each is.

Of AI Search only the namespaced path: the account-level one is deprecated and cannot cancel (facts 1.0, 1.2).
"""

from dataclasses import dataclass
from urllib.parse import quote

from aisearch_operator.cloudflare.budget import Priority
from aisearch_operator.cloudflare.errors import Cause, Terminal

__all__ = [
    "CANCEL_JOB",
    "CREATE_INSTANCE",
    "CREATE_JOB",
    "DELETE_INSTANCE",
    "GET_ACCOUNT",
    "GET_INSTANCE",
    "GET_JOB",
    "GET_USER",
    "INSTANCE_STATS",
    "JOB_LOGS",
    "LIST_INSTANCES",
    "LIST_JOBS",
    "MOVE_INSTANCE",
    "ROUTES",
    "UPDATE_INSTANCE",
    "VERIFY_ACCOUNT_TOKEN",
    "VERIFY_USER_TOKEN",
    "Route",
]

INSTANCES = "/accounts/{account}/ai-search/namespaces/{namespace}/instances"
INSTANCE = f"{INSTANCES}/{{instance}}"
JOBS = f"{INSTANCE}/jobs"
JOB = f"{JOBS}/{{job}}"


@dataclass(frozen=True, slots=True)
class Route:
    """One operation of the API.

    Parameters
    ----------
    name
        A short stable name, fit for a metric's label.
    method
        The HTTP method.
    template
        The path below the base URL, with names in braces; fit for a log.
    priority
        How urgent it is when nothing else is said.
    """

    name: str
    method: str
    template: str
    priority: Priority

    @property
    def writes(self) -> bool:
        """Whether it changes something at Cloudflare."""
        return self.method != "GET"

    @property
    def about_the_caller(self) -> bool:
        """Whether it asks who calls, rather than for something of AI Search."""
        return not self.template.startswith(INSTANCES)

    def path(self, **segments: str) -> str:
        """Fill the template in, each value quoted as one path segment.

        Raises
        ------
        Terminal
            A value is empty, or one that a path cannot hold as a segment ("." and "..").
        """
        for name, value in segments.items():
            if value in {"", ".", ".."}:
                raise Terminal(Cause.INVALID_REQUEST, f"{value!r} cannot be the id of the {name}: correct it")
        return self.template.format_map({name: quote(value, safe="") for name, value in segments.items()})


LIST_INSTANCES = Route("list_instances", "GET", INSTANCES, Priority.OBSERVE)
GET_INSTANCE = Route("get_instance", "GET", INSTANCE, Priority.OBSERVE)
CREATE_INSTANCE = Route("create_instance", "POST", INSTANCES, Priority.CREATE)
UPDATE_INSTANCE = Route("update_instance", "PUT", INSTANCE, Priority.UPDATE)
MOVE_INSTANCE = Route("move_instance", "PATCH", INSTANCE, Priority.UPDATE)
DELETE_INSTANCE = Route("delete_instance", "DELETE", INSTANCE, Priority.CANCEL)
INSTANCE_STATS = Route("instance_stats", "GET", f"{INSTANCE}/stats", Priority.STATISTICS)
LIST_JOBS = Route("list_jobs", "GET", JOBS, Priority.OBSERVE)
GET_JOB = Route("get_job", "GET", JOB, Priority.OBSERVE)
CREATE_JOB = Route("create_job", "POST", JOBS, Priority.CREATE)
CANCEL_JOB = Route("cancel_job", "PATCH", JOB, Priority.CANCEL)
JOB_LOGS = Route("job_logs", "GET", f"{JOB}/logs", Priority.STATISTICS)
VERIFY_USER_TOKEN = Route("verify_user_token", "GET", "/user/tokens/verify", Priority.OBSERVE)
VERIFY_ACCOUNT_TOKEN = Route("verify_account_token", "GET", "/accounts/{account}/tokens/verify", Priority.OBSERVE)
GET_USER = Route("get_user", "GET", "/user", Priority.OBSERVE)
GET_ACCOUNT = Route("get_account", "GET", "/accounts/{account}", Priority.OBSERVE)

ROUTES = (
    LIST_INSTANCES,
    GET_INSTANCE,
    CREATE_INSTANCE,
    UPDATE_INSTANCE,
    MOVE_INSTANCE,
    DELETE_INSTANCE,
    INSTANCE_STATS,
    LIST_JOBS,
    GET_JOB,
    CREATE_JOB,
    CANCEL_JOB,
    JOB_LOGS,
    VERIFY_USER_TOKEN,
    VERIFY_ACCOUNT_TOKEN,
    GET_USER,
    GET_ACCOUNT,
)
