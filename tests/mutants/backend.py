"""Queue backends with one defect each."""

import json

from mutants import backend_items as items
from mutants import backend_waits as others
from mutants.backend_waits import without_evidence
from mutants.bent import BackendSuite, Bend, given, nothing, rows, sql, unless
from mutants.table import Mutant


def bent(defect: str, *, fast: bool = False, **bends: Bend) -> Mutant:
    return Mutant(defect, BackendSuite, {"backend_bends": bends}, fast)


def other(defect: str, backend: type[items.Backend], *, fast: bool = False) -> Mutant:
    return Mutant(defect, BackendSuite, {"backend_class": backend}, fast)


def _endless(pause: str | None) -> str | None:
    return json.dumps(json.loads(pause) | {"until": None}) if pause else None


def _no_events(kind: str) -> Bend:
    return unless(lambda values: values["kind"] != kind)


CLAIMS = (
    bent("priorities are ignored", fast=True, pick_waiting=sql("by priority, seq", "by seq")),
    bent("last in, first out", pick_waiting=sql("priority, seq", "priority, seq desc")),
    bent("what is held is given", pick_waiting=sql("= 'queued'", "in ('queued', 'held')")),
    bent("items of other queues are given", pick_waiting=sql("queue_id = :queue and", "")),
    bent(
        "what is under way is given again", pick_waiting=sql("state = 'queued'", "ended_at is null")
    ),
    bent(
        "what has ended is given again", pick_waiting=sql("state = 'queued'", "lease_until is null")
    ),
    other("an item is given to two who ask at once", items.GivesTwice),
    other("an unknown queue is an empty one", items.UnknownQueueIsEmpty),
    other("an agent without the runner is given items", items.RunsAnything),
    other("a claim has no config of its queue", items.ClaimWithoutConfig),
    other("a claim tells no lease", items.ClaimWithoutLease),
    other("a claim has the item as it was before", items.ClaimAsItWas),
    bent("a claim is no event", add_event=unless(lambda values: values["cause"] != "claimed")),
    other("a claim hangs", items.ClaimHangs),
    other("a claim blocks the event loop", items.ClaimBlocksTheLoop),
)
LEASES = (
    bent(
        "the site is ignored", fast=True, pick_lapsed=sql("and (site is null or site = :site)", "")
    ),
    bent(
        "only the site takes over", pick_lapsed=sql("site is null or site = :site", "site = :site")
    ),
    bent("what fell silent is never given again", pick_lapsed=nothing),
    bent("leases keep nobody out", pick_lapsed=sql("lease_until <= :now or", "1 or")),
    bent(
        "what fell silent comes last",
        pick_lapsed=sql(
            "where queue_id",
            "where not exists (select 1 from item w where w.state = 'queued') and queue_id",
        ),
    ),
    bent("a token is used again", claim_item=sql("token + 1", "token")),
    bent(
        "a take-over begins anew",
        claim_item=sql("case when state = 'queued' then 'claimed' else state end", "'claimed'"),
    ),
    bent(
        "a take-over loses the ref", claim_item=sql("agent = :agent", "ref = null, agent = :agent")
    ),
    bent(
        "a take-over loses what was resolved",
        claim_item=sql("agent = :agent", "resolved = null, agent = :agent"),
    ),
    bent(
        "a take-over is a new attempt",
        claim_item=sql("agent = :agent", "attempt = attempt + (agent is not null), agent = :agent"),
    ),
    bent(
        "a take-over leaves the old agent",
        claim_item=sql("agent = :agent", "agent = coalesce(agent, :agent)"),
    ),
    bent(
        "a take-over loses a stop order",
        claim_item=sql("agent = :agent", "stop_by = null, agent = :agent"),
    ),
    bent(
        "a beat renews whatever its token",
        renew_leases=sql("and i.token = json_extract(h.value, '$[1]')", ""),
    ),
    bent(
        "a beat renews what it does not name", renew_leases=sql("and seq in (", "and 'x' not in (")
    ),
    bent(
        "a beat renews nothing",
        renew_leases=sql("set lease_until = :until", "set lease_until = lease_until"),
    ),
    other("a beat renews the first lease only", others.RenewsTheFirstOnly),
    bent("stale tokens are accepted", held_item=sql("and token = :token", "")),
    other("output with a stale token is accepted", others.LogWithAnyToken),
    other("the leases of the dead run on", others.DeadLeavesHang),
    other("the leases of one that left lapse", others.LeaveIsDeath),
    bent("one death lapses all leases", lapse_leases_of=sql("agent = :agent and", "")),
    bent("a paused agent is given launches", pause_of_agent=nothing),
    bent("a paused agent takes all over", pick_lapsed=sql("agent = :own", "1")),
    bent("a paused agent takes nothing back", pick_lapsed=sql("agent = :own", "0")),
    bent(
        "a pause ends with its agent", part_with_agent=sql("drain = 0", "drain = 0, pause = null")
    ),
    bent("one that left is still online", forget_agent=nothing, part_with_agent=nothing),
    other("the log is cleared at a take-over", items.ClearsLogAtTakeOver),
)
REPORTS = (
    *(
        bent(
            f"`{name}` of a report is lost",
            fast=name == "resolved",
            update_item=given(**{name: None}),
        )
        for name in (
            "resolved",
            "exit_code",
            "verdict",
            "message",
            "ref",
            "site",
            "started_at",
            "ended_at",
        )
    ),
    bent("an exit code of 0 is lost", update_item=given(exit_code=lambda code: code or None)),
    bent("evidence and hint are lost", update_item=given(verdict=without_evidence)),
    bent(
        "a state that is reported is not shown", update_item=sql("state = :state", "state = state")
    ),
    bent("each report of running is a start", update_item=given(started_at=9.0)),
    bent(
        "a report changes all items of its agent",
        update_item=sql("where id = :id", "where agent = (select agent from item where id = :id)"),
    ),
    *(
        other(f"a report that leaves out `{one.column}` erases it", one)
        for one in (
            items.NoneErases,
            items.NoneErasesResolved,
            items.NoneErasesVerdict,
            items.NoneErasesExitCode,
            items.NoneErasesMessage,
        )
    ),
    other("a message outlives its state", items.MessageStays),
    bent("warnings are lost", add_event=_no_events("warning")),
    bent("messages are no events", add_event=_no_events("progress")),
    bent("states are no events", add_event=_no_events("state")),
    bent("an event does not tell its agent", add_event=given(actor="system")),
    bent("an ended item is opened again", fast=True, held_item=rows(lease_until=9e9)),
    bent(
        "the lease outlives the end",
        update_item=sql(
            ":lease_until",
            "coalesce(:lease_until, case when :state <> 'queued' then :now + 30 end)",
        ),
    ),
    other("an end that is reported again is an error", items.EndAgainIsAnError),
    other("an end that is reported again moves its time", items.EndAgainMovesItsTime),
    other("what has ended has when that is told", items.EndsWhenTold),
    other("a report hangs", items.ReportHangs),
)
REQUEUES = (
    other("what is given back goes to the end of the line", items.RequeueToTheEnd, fast=True),
    bent(
        "what is given back keeps its lease and agent",
        update_item=sql(
            "lease_until = :lease_until, agent = :agent",
            "lease_until = coalesce(:lease_until, lease_until), agent = coalesce(:agent, agent)",
        ),
    ),
    bent(
        "what is given back keeps its ref",
        update_item=sql("ref = :ref", "ref = coalesce(:ref, ref)"),
    ),
    bent(
        "what is given back keeps its site",
        update_item=sql("site = :site", "site = coalesce(:site, site)"),
    ),
    bent(
        "what is given back keeps its agent",
        update_item=sql("agent = :agent", "agent = coalesce(:agent, agent)"),
    ),
    bent(
        "each try counts",
        update_item=sql("attempt = :attempt", "attempt = attempt + (:state = 'queued')"),
    ),
    bent("no try counts", update_item=sql("attempt = :attempt", "attempt = attempt")),
    other("a new attempt is a new run", items.RequeueWithANewRunId),
    other(
        "a wish to stop is forgotten when an item is given back", items.StopForgottenWhenGivenBack
    ),
    other("what an agent holds back is queued", items.HeldIsQueued),
)
LIMITS = (
    bent("a pause is ignored", queue_named=rows(pause=None)),
    bent("a pause never ends", queue_named=rows(pause=_endless)),
    bent("a limit is ignored", queue_named=rows(max_concurrent=None)),
    bent(
        "a limit counts what runs only",
        count_leased=sql("lease_until is not null", "state = 'running'"),
    ),
    bent("a limit does not count what fell silent", count_leased=sql("is not null", "> :now")),
    bent("a limit is one too high", count_leased=sql("count(*)", "count(*) - 1")),
    bent(
        "a limit counts what has ended",
        count_leased=sql("lease_until is not null", "state not in ('queued', 'held')"),
    ),
    bent(
        "a limit counts agents instead of items",
        count_leased=sql("count(*)", "count(distinct agent)"),
    ),
    Mutant(
        "a limit races",
        BackendSuite,
        {
            "backend_class": items.LimitRaces,
            "backend_bends": {"queue_named": rows(max_concurrent=None)},
        },
        fast=True,
    ),
    other("a pause is in the way of a take-over", items.PauseBlocksTakeOver),
    other("a limit is in the way of a take-over", items.LimitBlocksTakeOver),
    other("it is never said what is in the way", others.NeverBlocked),
    other("it is said that something is in the way of an open queue", others.BlockedWhenBusy),
    other("it is not said why", others.BlockedWithoutReason),
)
ORDERS = (
    bent("a stop order goes to all agents", fast=True, stop_orders=sql("and agent = :agent", "")),
    bent(
        "a stop order stops all that its agent holds",
        stop_orders=sql(
            "and stop_by is not null",
            "and exists (select 1 from item j where j.agent = :agent and j.stop_by is not null)",
        ),
    ),
    bent("a stop order does not say why", stop_orders=rows(stop_reason=None)),
    bent("a stop order goes on after the end", stop_orders=sql("and lease_until is not null", "")),
    bent("stop orders never come", stop_orders=nothing),
    other("a stop order comes once", others.OrdersOnce),
    other("a beat never waits", others.BeatNeverWaits),
    other("a beat waits for ever", others.BeatWaitsForEver),
    other("a beat waits although an order is there", others.BeatWaitsFirst),
    other("a beat is not woken by a stop", others.BeatIsNotWoken),
    other("a beat renews after its wait", others.BeatRenewsAfterTheWait),
    other("a beat waits before it tells of a loss", others.BeatTellsOfLossLate),
    other("a beat never tells of a loss", others.NothingIsLost),
    other("one loss is told of all", others.AllIsLost),
    other("an idle beat is no sign of life", others.IdleBeatIsNoSign),
    other("each agent is told to end", others.AlwaysDrains),
    other("an agent that was told to end never rests", others.NoRestAfterDrain),
    other("a loss that was told lets no beat rest", others.NoRestAfterLoss),
    bent("the first word of an agent stays", see_agent=sql("status = excluded.status,", "")),
    other("news never wait", others.NewsNeverWait),
    other("news wait for ever", others.NewsWaitForEver),
    other("news wake nobody", others.NewsSleep),
    other("news tell of launches only", others.NewsOfLaunches),
    other("news tell of launches and queues only", others.NewsOfLaunchesAndQueues),
    other("news do not tell of a release", others.NewsOfAllButRelease),
    other("news before the wait are missed", others.NewsSinceTheWait, fast=True),
)
OUTPUT = (
    bent(
        "logs of attempts are mixed", fast=True, log_end=given(attempt=1), add_log=given(attempt=1)
    ),
    bent("logs of attempts overwrite each other's size", log_end=sql("and attempt = :attempt", "")),
    other("output that is sent again is repeated", others.LogRepeats),
    other("output that overlaps is dropped", others.LogDropsOverlaps),
    other("output is kept as text", others.LogIsText),
    other("the last line break is lost", others.LogForgetsTheLastByte),
    other("the size of a log is that of all attempts", others.LogSizeOfAllAttempts),
    other("the size of a log is that of its last piece", others.LogSizeOfTheLastPiece),
    other("an unknown archive is empty", others.UnknownArchiveIsEmpty),
    other("an archive's pieces come in the order of text", others.ArchiveByText),
    other("an archive is its first piece", others.ArchiveOfOnePiece),
    other("an archive never ends", others.ArchiveHangs),
    bent(
        "half an archive is given",
        archive_chunk=sql("join archive a on a.digest = c.digest", ""),
    ),
)
LOCKS = (
    other("a lock is given to all", others.LocksForAll),
    other("a lock races", others.LockRaces, fast=True),
    other("there is one lock", others.OneLock),
    other("trying extends a lock", others.TryingExtendsALock),
    bent("a lock cannot be renewed", acquire_lock=sql("lock.holder = excluded.holder or", "")),
    bent(
        "renewing a lock does not extend it",
        acquire_lock=sql(
            "until = excluded.until",
            "until = iif(lock.holder = excluded.holder, lock.until, excluded.until)",
        ),
    ),
    bent("a lock never ends", acquire_lock=sql("or lock.until <= :now", "")),
    bent("a lock is given back by anybody", release_lock=sql("and holder = :holder", "")),
    bent("a lock cannot be given back", release_lock=nothing),
)
MUTANTS = (*CLAIMS, *LEASES, *REPORTS, *REQUEUES, *LIMITS, *ORDERS, *OUTPUT, *LOCKS)
VARIANTS = (
    Mutant("the store", BackendSuite, {}, fast=True),
    Mutant(
        "the least that a backend has to do",
        BackendSuite,
        {
            "backend_class": others.Plain,
            "knows_locks": False,
            "tells_log_size": False,
            "explains": False,
            "learns_of_ends": False,
        },
    ),
    other("it wakes for nothing", others.WakesForNothing),
)
