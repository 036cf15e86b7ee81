"""Hubs with one defect each."""

import json
from uuid import uuid4

from launchkit.model import Priority
from launchkit.store.hub import StoreHub
from mutants import hub_items as items
from mutants import hub_pages as others
from mutants.bent import BackendSuite, Bend, HubSuite, given, nothing, rows, sql, unless
from mutants.table import Mutant


def bent(defect: str, *, fast: bool = False, **bends: Bend) -> Mutant:
    return Mutant(defect, HubSuite, {"hub_bends": bends}, fast)


def other(defect: str, group: type, *, fast: bool = False) -> Mutant:
    hub = group if issubclass(group, StoreHub) else items.hub_of(group)
    return Mutant(defect, HubSuite, {"hub_class": hub}, fast)


def with_agents(mutant: Mutant) -> Mutant:
    """The same hub under the suite of backends: what is wrong is seen when an agent takes part."""
    return Mutant(mutant.defect, BackendSuite, mutant.changes, mutant.fast)


def _without_config(spec: str) -> str:
    return json.dumps(json.loads(spec) | {"config": {}})


QUEUES = (
    bent("the config of a queue is lost", add_queue=given(spec=_without_config)),
    bent(
        "a new queue is at version 0",
        add_queue=sql(":prioritization, :max_concurrent, 1", ":prioritization, :max_concurrent, 0"),
    ),
    other("making a queue replaces the one that is there", items.CreateReplaces),
    bent("queues are listed by age", queues=sql("order by name", "order by id")),
    bent("removed queues are listed", queues=sql("and deleted_at is null", "")),
    other("the error for a missing queue names none", items.MissingWithoutNames),
    other("the error for a queue that is looked for names none", items.FindsWithoutNames),
    other("a list of queues does not count", items.ListWithoutCounts),
    bent("counts are those of all queues", count_states=sql("where queue_id = :queue", "")),
    other("the version of an update is ignored", items.IgnoresVersion, fast=True),
    bent("an update does not count the version", change_queue=sql("version + 1", "version")),
    bent("an update changes all queues", change_queue=sql("where id = :id", "")),
    bent("an update loses the spec", change_queue=sql("spec = :spec", "spec = spec")),
    other("an update makes a queue that is missing", items.UpdateMakes),
    bent("a pause is lost", change_queue=given(pause=None)),
    bent("a pause stays", change_queue=sql("pause = :pause", "pause = coalesce(:pause, pause)")),
    other("removing a queue needs no force", items.AlwaysForces),
    other("removing a queue tells of no launches", items.DeletesNone),
    other("removing a queue hides its launches", items.DeleteHidesLaunches),
    bent("removing a queue leaves its launches open", open_items=nothing),
    bent(
        "removing a queue leaves what is held open",
        open_items=sql("'held', ", ""),
    ),
    bent(
        "removing a queue stops what had ended",
        open_items=sql("and state in", "and state = state or state in"),
    ),
    bent("removing a queue stops launches of others", open_items=sql("queue_id = :queue", "true")),
    bent("a queue is not removed", delete_queue=nothing),
    with_agents(other("a queue is removed under what runs", items.DeletesWhatRuns)),
    with_agents(bent("a lease is in no queue's way", count_leased=rows(n=0))),
)
LAUNCHES = (
    bent("the author is lost", add_item=given(author=None)),
    other("the author is always the one who asked", items.AuthorIsActor),
    other("overrides are lost", items.OverridesAreLost),
    bent("a priority is lost", add_item=given(priority=Priority.MEDIUM)),
    other("an idempotency key is ignored", items.KeyIsIgnored),
    other("a key is forgotten after the end", items.KeyIsForgotten, fast=True),
    other("a key stands for anything", items.KeyStandsForAnything),
    other("a key does not tell queues apart", items.KeyIgnoresTheQueue),
    other("a key races", items.KeyRaces),
    other("nothing is rejected", items.RejectsNothing),
    other("a priority is ignored in silence", items.PriorityIsIgnored),
    other("it is not told what is repeated", items.RepeatsSilently),
    other("a launch makes the queue that is missing", items.LaunchMakesTheQueue),
    other("a launch hangs", items.LaunchHangs),
    bent("a name that several have means one", items_named=sql("limit 10", "limit 1")),
    bent(
        "a name is found by its beginning",
        items_named=sql("i.name = :ref", "i.name glob :ref || '*'"),
    ),
    bent(
        "a name is found in any case",
        items_named=sql("i.name = :ref", "lower(i.name) = lower(:ref)"),
    ),
    bent("a launch is not found by its run id", item_of_id=sql("or i.run_id = :ref", "")),
    bent("a launch is no event", add_event=unless(lambda values: values["cause"] != "launched")),
    bent("an event does not tell who did it", add_event=given(actor="system")),
    bent("events have no time", add_event=given(now=0.0)),
)
LISTS = (
    *(
        (with_agents if name == "agent" else lambda one: one)(
            bent(
                f"lists ignore the {name}",
                fast=name == "states",
                items_newest=given(**{name: value}),
            )
        )
        for name, value in (
            ("queue", None),
            ("states", None),
            ("author", None),
            ("not_queue", None),
            ("not_author", None),
            ("agent", None),
            ("name", None),
            ("since", None),
            ("limit", 1000),
        )
    ),
    bent("a page begins with the launch that it is to follow", items_newest=sql("<", "<=")),
    bent("the oldest are the newest", items_oldest=sql("order by i.seq", "order by i.seq desc")),
    bent("the line has no priorities", items_line=sql("order by i.priority, ", "order by ")),
    bent(
        "a list by queues is one by time",
        items_queue=sql("order by value asc, seq desc", "order by seq desc"),
    ),
    bent("the other way round is the same", items_priority_back=sql("value desc", "value asc")),
    bent(
        "a page by value begins with the launch that it is to follow",
        items_state=sql("seq < :seq", "seq <= :seq"),
    ),
    bent("what is moved stays where it is", move_item=nothing),
    bent("the oldest come first", items_newest=sql("i.seq desc", "i.seq")),
    bent(
        "no states are all states",
        items_newest=given(states=lambda states: states if states != "[]" else None),
    ),
    bent(
        "a name is a part of the name", items_newest=given(name=lambda name: name and f"*{name}*")
    ),
    bent(
        "brackets in a name are a pattern", items_newest=sql("replace(:name, '[', '[[]')", ":name")
    ),
    bent("`since` leaves out what was launched then", items_newest=sql(">= :since", "> :since")),
    other("lists tell no places", items.ListWithoutPlaces),
    bent("a place is that in all queues", position=sql("queue_id = :queue and", "")),
    bent("a place counts from 0", position=sql("count(*)", "count(*) - 1")),
    bent(
        "a place does not go by priority",
        position=sql(
            "(priority < :priority or (priority = :priority and seq <= :seq))", "seq <= :seq"
        ),
    ),
    bent(
        "a place counts what is held",
        position=sql("state = 'queued'", "state in ('queued', 'held')"),
    ),
    bent("a place counts what has ended", position=sql("state = 'queued'", "state <> 'x'")),
    other("it is not told why something waits", items.GetWithoutReason),
)
CHANGES = (
    bent(
        "a hold has no effect",
        fast=True,
        change_waiting=unless(lambda values: values["state"] != "held"),
    ),
    bent(
        "a release has no effect", change_waiting=unless(lambda values: values["state"] != "queued")
    ),
    bent(
        "a release goes to the end of the line",
        change_waiting=sql(
            "set state = :state", "set state = :state, seq = (select max(seq) + 1 from item)"
        ),
    ),
    bent("why something is held is lost", change_waiting=given(message=None)),
    bent("a hold holds the whole queue", change_waiting=sql("where id = :id", "")),
    bent("a hold is no event", add_event=unless(lambda values: values["state"] != "held")),
    bent("a priority has no effect", change_priority=nothing),
    bent("a priority is set for all", change_priority=sql("where id = :id", "")),
    bent(
        "a new priority is no event", add_event=unless(lambda values: values["kind"] != "priority")
    ),
    other("priorities are set backwards", items.PrioritiesBackwards),
    other("a priority is set in silence where there are none", items.PriorityIsSetInSilence),
    other("what has ended is opened again", items.ReopensTheEnded),
    other("what cannot be changed is left in silence", items.ConflictsAreSilent),
    with_agents(bent("a pause of an agent is not kept", pause_agent=nothing)),
    with_agents(bent("an agent is not told to end", drain_agent=nothing)),
    with_agents(other("what runs is held", items.HoldsWhatRuns)),
    other("what is not there is a conflict", items.UnknownIsConflict),
    other("what is held cannot be stopped", items.HeldCannotBeStopped),
    other("a stop of what has ended is an error", items.StopOfTheEndedIsAnError),
    other("a stop does not tell why", items.StopWithoutReason),
    bent("a stop is no event", add_event=unless(lambda values: values["state"] != "stopped")),
    bent("what is stopped has no end", stop_waiting=sql("ended_at = :now", "ended_at = null")),
    bent("a stop stops all", stop_waiting=sql("where id = :id", "where state = 'queued'")),
    other("a change gives the item as it was", items.GivesTheOldItem),
    other("it is not told who changed something", items.AnyoneChanges),
    with_agents(other("a stop ends what runs at once", items.StopEndsWhatRuns)),
    with_agents(bent("a wish to stop is lost", want_stop=nothing)),
    with_agents(bent("the last who wants a stop is told", item_locked=rows(stop_by=None))),
    with_agents(bent("a wish to stop does not tell why", want_stop=given(reason=None))),
    with_agents(other("a wish to stop is not shown", items.GetHidesStops)),
)
EVENTS = (
    bent("events come again", events_of_item=sql("id > :since", "1")),
    bent("the event that is named comes again", events_of_item=sql("id > :since", "id >= :since")),
    bent(
        "events of all launches are given for one",
        events_of_item=sql("item_id = :item and", "item_id is not null and"),
    ),
    bent("events of all come again", newest_events=sql("e.id > :since", "1")),
    bent("events of all come backwards", newest_events=sql("e.id desc", "e.id")),
    other("events never wait", others.EventsNeverWait, fast=True),
    other("events wait for ever", others.EventsWaitForEver),
    other("events wait although some are there", others.EventsWaitFirst),
    other("events wake nobody", others.EventsWakeNobody),
    other("events of all wake nobody", others.AllEventsWakeNobody),
)
LOGS = (
    other("a log is always complete", others.LogIsAlwaysComplete),
    other("a log is never complete", others.LogIsNeverComplete),
    other("the log of nothing is empty", others.LogOfNothing),
    other("the end of a log wakes nobody", others.LogEndWakesNobody),
    *map(
        with_agents,
        (
            other("the size of a log is that of a page", others.LogSizeIsThatOfThePage),
            other("each page is from the start", others.LogStartsAtZero),
            other("each page begins with the start", others.LogFromTheStart),
            other("a log is text", others.LogIsText),
            other("the attempt is ignored", others.LogOfTheLatestOnly, fast=True),
            other("the first attempt is read", others.LogOfTheFirst),
            other("the log of an attempt before is not complete", others.OldLogIsOpen),
            other("a log never waits", others.LogNeverWaits),
            other("a log waits for ever", others.LogWaitsForEver),
            other("a log wakes nobody", others.LogWakesNobody),
            other("a log waits at its end", others.LogWaitsAtItsEnd),
            bent("logs of attempts are one", log_piece=sql("and attempt = :attempt", "")),
            other("agents are hidden", items.AgentsAreHidden),
            other("agents hold nothing", items.AgentsHoldNothing),
        ),
    ),
)
JOBS = (
    bent(
        "equal recipes are new versions",
        job_of_digest=nothing,
        add_job_version=given(digest=lambda _: uuid4().hex),
    ),
    bent("versions count over all jobs", job_versions=sql("and name = :name", "")),
    bent("versions count from 1", add_job_version=given(version=lambda version: version + 1)),
    bent("the author of a job is lost", add_job_version=given(author=None)),
    bent(
        "aliases do not move",
        set_alias=sql("do update set version = excluded.version", "do nothing"),
    ),
    bent("an alias is that of each job", version_of_alias=sql("and name = :name", "")),
    bent("a version tells no aliases", aliases_of=nothing),
    other("`latest` stays when an old recipe comes again", others.LatestStays),
    other("each version is told to be new", others.NewIsNeverTold),
    other("the environment of a recipe is lost", others.JobsWithoutEnv),
    other("aliases are lost", others.JobsWithoutAliases),
    other("a missing version is the latest", others.MissingJobIsLatest),
    other("the list of a job is its latest version", others.ListsLatestOnly),
    other("the list of jobs is that of all versions", others.ListsAllVersions),
    other("half an archive is known", others.HalfAnArchiveIsKnown, fast=True),
    other("an archive that is stored again is an error", others.ArchiveIsStoredOnce),
    other("any archive is known when there is one", others.AnyArchiveIsKnown),
    other("no archive is known", others.NoArchiveIsKnown),
)
MUTANTS = (*QUEUES, *LAUNCHES, *LISTS, *CHANGES, *EVENTS, *LOGS, *JOBS)
VARIANTS = (Mutant("the store's hub", HubSuite, {}, fast=True),)
