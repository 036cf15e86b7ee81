"""The calls of SageMaker and of CloudWatch Logs: paced, and made again while AWS is away."""

import logging
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

from botocore import xform_name
from botocore.exceptions import ClientError
from botocore.parsers import ResponseParserError

from launchkit.aio.retry import Backoff, On, retry, retry_after_of
from launchkit.aio.trouble import Trouble
from launchkit.runners.pace import Pace
from launchkit_aws.clients import AwsClients, open_clients
from launchkit_aws.errors import AwsAway, AwsError, AwsRefused, NoLogin, explained, refusal, soon
from launchkit_aws.place import AwsPlace
from launchkit_aws.sagemaker.answers import UNREADABLE, as_modelled
from launchkit_aws.sagemaker.request import Account

log = logging.getLogger("launchkit.aws")
LIBRARIES = ("botocore", "aiobotocore")
UNKNOWN_SECONDS = 1.0
"""So long something is left alone whose words are not understood."""
AWAY = Backoff(first=0.1, cap=5.0)
SAGEMAKER, LOGS = "sagemaker", "logs"
NEEDED: Mapping[str, Sequence[str]] = {
    "DescribeTrainingJob": ("TrainingJobArn", "TrainingJobStatus"),
    "GetCallerIdentity": ("Account",),
}
"""What an answer is none without."""
NAMES = {SAGEMAKER: "SageMaker", LOGS: "CloudWatch Logs", "sts": "STS"}


class PacedPlace(AwsPlace):
    """A place whose clients do not try again by themselves: `Api` does, for all at one pace."""

    def config(self, service: str = "", **more: Any) -> Any:
        """The settings of a client."""
        more.setdefault("retries", {"mode": "standard", "total_max_attempts": 1})
        return super().config(service, **more)


class Away(AwsAway):
    """AWS cannot do it now; it may say for how long it wants to be left alone."""

    retry_after: float | None = UNKNOWN_SECONDS


def _passes(exc: Exception) -> bool:
    return isinstance(exc, AwsAway) or (isinstance(exc, AwsError) and is_login(exc))


def is_login(exc: AwsError) -> bool:
    """Whether the agent has no credentials that count: they may be given to it at any time."""
    return isinstance(exc, NoLogin) or (isinstance(exc, AwsRefused) and exc.expired)


@dataclass(frozen=True)
class Trying:
    """What is tried again, and how."""

    on: On = _passes
    backoff: Backoff = AWAY


PATIENT = Trying()
WITH_LOGIN = Trying(on=AwsAway)
"""Where somebody else waits for credentials."""
AT_A_LOOK = Trying(on=AwsAway, backoff=Backoff(first=0.1, cap=0.5, deadline=2.0))
"""While somebody waits to hear what is wrong."""


class Api:
    """What is asked of AWS for all runs of an agent."""

    def __init__(self, clients: AwsClients, *, rate: float, log_rate: float) -> None:
        self.place = clients.place
        self._clients = clients
        self._looks = Pace(rate, max(1.0, 2 * rate))
        self._changes = Pace(rate, max(1.0, 2 * rate))
        self._log_looks = Pace(log_rate, max(1.0, 2 * log_rate))
        self.trouble = Trouble(log, f"SageMaker in {self.place.region}")
        self.log_trouble = Trouble(log, f"CloudWatch Logs in {self.place.region}")
        self._account: Account | None = None

    @property
    def account(self) -> Account | None:
        """Whose jobs they are, if it was asked already."""
        return self._account

    async def identity(self) -> Account:
        """Whose jobs they are. :raises AwsError: if AWS does not know the agent."""
        if self._account is None:
            told = await self._asked(
                "sts", "GetCallerIdentity", self._changes, self.trouble, {}, WITH_LOGIN
            )
            self._account = Account(id=told["Account"], partition=self.place.partition.name)
        return self._account

    async def check(self) -> Account:
        """Whose jobs they are, if SageMaker lists them. :raises AwsError: if it does not, soon."""
        with soon():
            pace, one = self._looks, {"MaxResults": 1}
            told = await self._asked("sts", "GetCallerIdentity", pace, None, {}, AT_A_LOOK)
            await self._asked(SAGEMAKER, "ListTrainingJobs", pace, None, one, AT_A_LOOK)
        return Account(id=told["Account"], partition=self.place.partition.name)

    async def look(self, operation: str, **params: Any) -> Mapping[str, Any]:
        """Ask SageMaker. :raises AwsError: if it refuses."""
        return await self._asked(SAGEMAKER, operation, self._looks, self.trouble, params)

    async def change(self, operation: str, **params: Any) -> Mapping[str, Any]:
        """Have SageMaker do something; a call without an answer is made again, so that it may be
        done twice. :raises AwsError: if it refuses.
        """
        return await self._asked(SAGEMAKER, operation, self._changes, self.trouble, params)

    async def create(self, **params: Any) -> None:
        """Create a training job. :raises AwsError: if SageMaker refuses, or there is no login that
        counts, which is not waited for.
        """
        operation = "CreateTrainingJob"
        await self._asked(SAGEMAKER, operation, self._changes, self.trouble, params, WITH_LOGIN)

    async def look_at_logs(self, operation: str, **params: Any) -> Mapping[str, Any]:
        """Ask CloudWatch Logs. :raises AwsError: if it refuses."""
        return await self._asked(LOGS, operation, self._log_looks, self.log_trouble, params)

    async def _asked(
        self,
        service: str,
        operation: str,
        pace: Pace,
        trouble: Trouble | None,
        params: Mapping[str, Any],
        trying: Trying | None = None,
    ) -> Mapping[str, Any]:
        what, how = f"{NAMES[service]}: {operation}", trying or PATIENT
        may_be_done = False

        async def once() -> Mapping[str, Any]:
            nonlocal may_be_done
            client = await self._clients.get(service)
            await pace.turn()
            try:
                with explained(what):
                    try:
                        answer = await _answered(client, operation, params)
                    except ClientError as exc:
                        raise _told(what, exc) from exc
                    except (ResponseParserError, *UNREADABLE) as exc:
                        # of a proxy, or of a machine that is full
                        raise Away(f"{what}: what answers does not speak as AWS does") from exc
            except AwsAway as exc:
                if exc.throttled:
                    pace.refused()
                may_be_done = may_be_done or not exc.throttled
                raise
            except AwsError as exc:
                if may_be_done and is_login(exc):  # no refusal of what was asked before
                    raise Away(exc.message, hint=exc.hint) from exc
                raise
            pace.went_well()
            return answer

        return await retry(once, on=how.on, backoff=how.backoff, trouble=trouble)


async def _answered(client: Any, operation: str, params: Mapping[str, Any]) -> Mapping[str, Any]:
    """What is answered, as the model has it. :raises KeyError: if what matters is missing."""
    told = await getattr(client, xform_name(operation))(**params)
    shape = client.meta.service_model.operation_model(operation).output_shape
    answer: Mapping[str, Any] = as_modelled(told, shape) if shape else {}
    for name in NEEDED.get(operation, ()):
        answer[name]
    return answer


async def open_api(stack: AsyncExitStack, place: AwsPlace, *, rate: float, log_rate: float) -> Api:
    """The calls at a place; AWS need not answer yet."""
    for library in LIBRARIES:  # in detail they log what is sent, with its secrets
        if (its := logging.getLogger(library)).level == logging.NOTSET:
            its.setLevel(logging.INFO)
    clients = await open_clients(stack, PacedPlace(**vars(place)))
    return Api(clients, rate=rate, log_rate=log_rate)


def _told(what: str, exc: ClientError) -> Exception:
    error = refusal(what, exc)
    if not isinstance(error, AwsAway):
        return error
    made = Away(error.message, hint=error.hint, throttled=error.throttled)
    headers = exc.response.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    made.retry_after = retry_after_of(headers.get("retry-after"))
    return made
