"""One value of each kind that is sent and answered, for the API's document: an afternoon on which
Ann trains a model.
"""

from launchkit.abc import ItemView, QueueView
from launchkit.model import (
    AgentCapacity,
    AgentOrders,
    AgentStatus,
    AgentView,
    Claim,
    Event,
    GitSource,
    ItemReport,
    ItemState,
    JobVersion,
    LaunchSpec,
    Overrides,
    Priority,
    Queue,
    QueueItem,
    QueueSpec,
    Recipe,
    RunView,
    StopOrder,
    Variable,
)
from launchkit.model.people import Account, Entity, Grant, PrincipalKind, Role, Token
from launchkit.model.webhooks import Delivery, DeliveryState, Happens, Webhook, WebhookView
from launchkit.store.happened import HappenedPage, Happening
from launchkit.wire import agent_side, people, user_side, webhooks
from launchkit.wire.problems import Problem

NOON = 1_764_158_400.0
RECIPE = Recipe(
    source=GitSource(remote="https://example.com/models.git", ref="main", commit="5f0b1c7d" * 5),
    entry_point=("python", "train.py"),
    config={"learning_rate": 0.01},
)
SPEC = LaunchSpec(
    recipe=RECIPE, name="resnet", author="ann", overrides=Overrides(config={"learning_rate": 0.02})
)
QUEUE_SPEC = QueueSpec(
    name="train",
    resource="local-process",
    config={"env": ["THREADS={{ threads }}"]},
    variables={"threads": Variable(type="integer", default=4, minimum=1, maximum=8)},
    max_concurrent=2,
)
QUEUE = Queue(
    id=1, entity="vision", spec=QUEUE_SPEC, version=3, created_at=NOON, updated_at=NOON + 60
)
ITEM = QueueItem(
    id="k3v9x0q1m2n4",
    run_id="a1b2c3d4",
    entity="vision",
    queue="train",
    priority=Priority.MEDIUM,
    spec=SPEC,
    state=ItemState.QUEUED,
    attempt=1,
    created_at=NOON + 120,
    updated_at=NOON + 120,
    author="ann",
)
JOB = JobVersion(
    entity="vision",
    name="resnet",
    version=2,
    recipe=RECIPE,
    digest="9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    created_at=NOON,
    author="ann",
    aliases=("latest",),
)
CAPACITY = AgentCapacity(agent="box", site="box-1", resources=frozenset({"local-process"}))
STATUS = AgentStatus(
    name="box",
    host="box.example.com",
    pid=4711,
    version="0.1.0",
    entity="vision",
    queues=("train",),
    max_jobs=2,
    started_at=NOON,
)
CLAIM = Claim(item=ITEM, queue=QUEUE, token=1, lease=60.0)
CLAIM_ID = "5f0c9c0b7d3e4a56b0d4d0f6c2a1e9d8"
SESSION = "c1d7e0a94b8f4a0f9c53d8b7f6e2a1b0"
TOKEN = Token(id="t4k8", owner="ann", kind=PrincipalKind.USER, created_at=NOON, created_by="root")
SECRET = "lk_u…"  # noqa: S105 - an example
WEBHOOK = Webhook(
    name="chat",
    entity="vision",
    url="https://chat.example/hooks/1",
    events=(Happens.LAUNCH_FAILED, Happens.QUEUE_PAUSED),
    signer="5d41402abc4b2a76",
    paused=False,
    created_at=NOON,
    created_by="root",
)
DELIVERY = Delivery(
    id="msg_0b8f6f0a6f9e4f2c8a7d5e3c1b9a8f7e_17",
    type="launch.failed",
    state=DeliveryState.DELIVERED,
    created_at=NOON + 120,
    tries=1,
    due_at=None,
    answer="204",
    answered_at=NOON + 121,
)
ALL_QUEUED = user_side.Filter(queue="train", states=(ItemState.QUEUED,))

EXAMPLES: tuple[object, ...] = (
    QUEUE_SPEC,
    QUEUE,
    QueueView(queue=QUEUE, counts={ItemState.QUEUED: 1}),
    ITEM,
    ItemView(item=ITEM, position=1, reason="queue_limit: 2 of 2 are under way"),
    JOB,
    Event(
        id=17,
        item_id=ITEM.id,
        at=NOON + 120,
        kind="state",
        actor="ann",
        attempt=1,
        state=ItemState.QUEUED,
        cause="launched",
    ),
    AgentView(status=STATUS, seen_at=NOON + 130, held=1, online=True),
    AgentOrders(stop=(StopOrder(item_id=ITEM.id, by="ann", reason="wrong data"),)),
    user_side.QueueUpdate(spec=QUEUE_SPEC),
    user_side.QueueDeleted(stopped=0),
    user_side.QueueConfig(config={"env": ["THREADS={{ threads }}"]}),
    user_side.QueueCheck(runner="local-process"),
    user_side.KindView(
        kind="local-process",
        aliases=(),
        config_schema={"type": "object"},
        starter_config="# env: [THREADS=4]\n",
    ),
    user_side.JobRequest(recipe=RECIPE, aliases=("best",)),
    user_side.JobAnswer(version=JOB, new=True),
    user_side.ArchiveKnown(known=False, size=0),
    user_side.LaunchBody(spec=SPEC, idempotency_key="resnet-2026-11-26"),
    user_side.ChangeBody(kind="hold", reason="the data is not there yet"),
    user_side.ChangesBody(
        filter=ALL_QUEUED, change=user_side.ChangeBody(kind="stop", reason="wrong data")
    ),
    user_side.RequeuesBody(filter=ALL_QUEUED, idempotency_key="after-the-outage"),
    user_side.Outcome(id=ITEM.id),
    user_side.AgentChangeBody(kind="pause", reason="a new driver"),
    agent_side.ClaimRequest(queue="train", capacity=CAPACITY, claim_id=CLAIM_ID),
    agent_side.ClaimAnswer(claim=CLAIM),
    agent_side.WaitRequest(queues=("train",), capacity=CAPACITY, wait=60.0),
    agent_side.WaitAnswer(queues=("train",)),
    agent_side.BlockedRequest(queue="train", capacity=CAPACITY),
    agent_side.BlockedAnswer(reason="queue_limit: 2 of 2 are under way"),
    agent_side.BeatRequest(
        status=STATUS, held=(agent_side.Hold(item_id=ITEM.id, token=1),), wait=20.0
    ),
    agent_side.ReportRequest(token=1, report=ItemReport(state=ItemState.RUNNING, ref="pid 4712")),
    agent_side.LogSize(size=4096),
    agent_side.LockRequest(name="build:resnet", holder="box/3fa1/0", seconds=30.0),
    agent_side.LockAnswer(held=True),
    agent_side.LockWait(name="build:resnet", wait=30.0),
    agent_side.RegisterRequest(status=STATUS, session=SESSION),
    agent_side.RegisterAnswer(lease=60.0, now=1_700_000_000.0),
    agent_side.RunTokenRequest(token=1),
    agent_side.RunToken(secret=SECRET),
    RunView(
        item_id=ITEM.id,
        run_id=ITEM.run_id,
        name="resnet",
        queue="train",
        attempt=1,
        state=ItemState.RUNNING,
        stop_requested=False,
        config={"learning_rate": 0.02},
        outputs={"loss": 0.12},
    ),
    Account(name="ann", kind=PrincipalKind.USER, created_at=NOON, created_by="root"),
    Entity(name="vision", role=Role.SUBMITTER),
    Grant(name="ann", entity="vision", role=Role.SUBMITTER),
    TOKEN,
    people.AccountRequest(name="ann"),
    people.RoleRequest(role=Role.SUBMITTER),
    people.TokenRequest(owner="ann"),
    people.AgentTokenRequest(agent="box", queues=("train",)),
    people.TokenAnswer(token=TOKEN, secret=SECRET),
    HappenedPage(
        happenings=(
            Happening(
                id=7,
                at=1_790_000_000.0,
                kind="state",
                actor="ann",
                queue="train",
                item_id=ITEM.id,
                name="resnet",
                attempt=1,
                state=ItemState.QUEUED,
                cause="launched",
            ),
        ),
        older=7,
    ),
    WEBHOOK,
    DELIVERY,
    WebhookView(webhook=WEBHOOK, deliveries=(DELIVERY,)),
    webhooks.WebhookRequest(name="chat", url=WEBHOOK.url, events=WEBHOOK.events),
    webhooks.WebhookChange(paused=True),
    webhooks.WebhookAnswer(webhook=WEBHOOK, secret="whsec_…"),  # noqa: S106 - an example
    agent_side.LeaveRequest(agent="box", dead=False),
    agent_side.OverRequest(attempts={ITEM.id: 1}),
    agent_side.OverAnswer(items=frozenset({ITEM.id})),
    Problem(
        code="not_found",
        title="not found",
        status=404,
        detail="there is no queue 'trian' of vision; there are: train",
        hint="make it with: launchkit queue create --resource local-process trian",
        instance="0b8f6f0a6f9e4f2c8a7d5e3c1b9a8f7e",
    ),
)
