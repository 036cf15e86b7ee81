-- Statements that all databases understand. Times are parameters: tests own the clock.

-- name: queue_named
select * from queue where entity = :entity and name = :name and deleted_at is null

-- name: queue_of
select * from queue where id = :id

-- name: queues
select * from queue where entity = :entity and deleted_at is null order by name

-- name: size_of_queues
select count(*) as n, coalesce(sum(length(spec)), 0) as size from queue
where entity = :entity and name <> :name and deleted_at is null

-- name: add_queue
insert into queue (entity, name, spec, resource, prioritization, max_concurrent, version, created_at, updated_at)
values (:entity, :name, :spec, :resource, :prioritization, :max_concurrent, 1, :now, :now)
returning *

-- name: change_queue
update queue
set spec = :spec, resource = :resource, prioritization = :prioritization, max_concurrent = :max_concurrent,
    pause = :pause, paused_until = :paused_until, version = version + 1, updated_at = :now
where id = :id
returning *

-- name: delete_queue
update queue set deleted_at = :now where id = :id

-- name: level_priorities
update item set priority = :priority
where queue_id = :queue
  and state in ('queued', 'held', 'claimed', 'building', 'submitting', 'starting', 'running')

-- name: count_states
select state, count(*) as n from item where queue_id = :queue group by state

-- name: add_item
insert into item (id, run_id, queue_id, entity, name, priority, author, spec, state, attempt, token,
                  idempotency_key, request_digest, created_at, updated_at)
values (:id, :run_id, :queue, :entity, :name, :priority, :author, :spec, 'queued', 1, 0,
        :idempotency_key, :request_digest, :now, :now)
returning *

-- name: item_of_key
select * from item where entity = :entity and idempotency_key = :key

-- name: requeue_of_key
select item_id from requeue where item_id = :item and idempotency_key = :key

-- name: add_requeue
insert into requeue (item_id, idempotency_key) values (:item, :key) on conflict do nothing

-- name: item_of_id
select i.*, q.name as queue from item i join queue q on q.id = i.queue_id
where i.entity = :entity and (i.id = :ref or i.run_id = :ref)

-- name: head_of_id
select i.id, i.state, i.attempt from item i where i.entity = :entity and (i.id = :ref or i.run_id = :ref)

-- name: run_of_id
select i.id, i.run_id, i.name, i.state, i.attempt, i.stop_by, i.resolved, q.name as queue
from item i join queue q on q.id = i.queue_id
where i.entity = :entity and i.id = :id

-- name: heads_named
select i.id, i.run_id, i.state, i.attempt from item i
where i.entity = :entity and i.name = :ref order by i.seq desc limit 10

-- name: items_named
select i.*, q.name as queue from item i join queue q on q.id = i.queue_id
where i.entity = :entity and i.name = :ref order by i.seq desc limit 10

-- name: position
select (
    select count(*) from item
    where queue_id = :queue and state = 'queued' and priority < :priority
) + (
    select count(*) from item
    where queue_id = :queue and state = 'queued' and priority = :priority and seq <= :seq
) as n

-- name: queued_between
select count(*) as n from item
where queue_id = :queue and state = 'queued' and priority = :priority
  and seq > :above and seq <= :upto

-- name: count_leased
select count(*) as n from item where queue_id = :queue and lease_until is not null

-- name: add_event
insert into event (queue_id, item_id, at, kind, actor, attempt, state, cause)
values (:queue, :item, :now, :kind, :actor, :attempt, :state, :cause)

-- name: events_of_item
select * from event
where item_id = :item and id > :since and :entity = (select entity from item where id = :item)
order by id limit :limit

-- name: newest_events_of_item
select * from event
where item_id = :item and :entity = (select entity from item where id = :item)
order by id desc limit :limit

-- The cross joins keep to their order in SQLite, which else reads all items of the entity first.
-- name: newest_events
select e.* from event e cross join item i
where i.id = e.item_id and i.entity = :entity and e.id > :since and e.id <= :until order by e.id desc limit 100

-- Those of queues, too. An empty filter wants all.
-- name: happened
select e.*, q.name as queue, i.name, i.run_id
from event e cross join queue q left join item i on i.id = e.item_id
where q.id = e.queue_id and q.entity = :entity and e.id < :before and e.id >= :floor
  and (:kind = '' or e.kind = :kind) and (:actor = '' or e.actor = :actor) and (:queue = '' or q.name = :queue)
order by e.id desc limit :limit

-- name: next_events
select e.* from event e cross join item i
where i.id = e.item_id and i.entity = :entity and e.id > :since and e.id <= :until order by e.id limit :limit

-- name: touched
select e.id, e.item_id, q.name as queue from event e join queue q on q.id = e.queue_id
where q.entity = :entity and e.id > :since and e.id <= :until order by e.id limit :limit

-- What an agent asks for again is what it has got already: the answer was lost.
-- name: claim_given
update item set lease_until = :until
where entity = :entity and agent = :agent and claim_id = :claim_id and queue_id = :queue
  and lease_until is not null
returning *

-- name: item_held
select i.*, q.name as queue from item i join queue q on q.id = i.queue_id
where i.entity = :entity and i.id = :id

-- What a queue holds in store for an agent, in one round trip: many agents ask it at once.
-- name: outlook
select q.*, a.session as agent_session, a.pause as agent_pause,
    exists (
        select 1 from item
        where queue_id = q.id and lease_until is not null
          and (lease_until <= :now or lease_until > :horizon)
          and (site is null or site = :site)
          and (a.pause is null or item.agent = :agent)) as lapsed,
    exists (
        select 1 from item
        where queue_id = q.id and lease_until is not null
          and (lease_until <= :now or lease_until > :horizon)) as lapsed_anywhere,
    (select count(*) from item where queue_id = q.id and lease_until is not null) as leased,
    (select count(*) from (
        select 1 from item where queue_id = q.id and state = 'queued' limit :limit) as line) as waiting,
    (select min(lease_until) from item where queue_id = q.id and lease_until > :now) as next_lapse
from queue q left join agent a on a.entity = q.entity and a.name = :agent
where q.entity = :entity and q.name = :name and q.deleted_at is null

-- name: claim_item
update item
set state = case when state = 'queued' then 'claimed' else state end, token = token + 1, agent = :agent, lease_until = :until, claim_id = :claim_id, updated_at = :now,
    lapses = case when state in ('claimed', 'building', 'submitting') then lapses + 1 else 0 end
where seq = :seq
returning *

-- name: update_item
update item
set state = :state, attempt = :attempt, lease_until = :lease_until, agent = :agent, site = :site, ref = :ref,
    message = :message, exit_code = :exit_code, verdict = :verdict, resolved = :resolved,
    updated_at = :now, started_at = :started_at, ended_at = :ended_at
where id = :id

-- name: change_waiting
update item set state = :state, message = :message, agent = null, site = null, ref = null, updated_at = :now
where id = :id

-- name: move_item
update item set queue_id = :queue, priority = :priority, updated_at = :now where id = :id

-- name: change_priority
update item set priority = :priority, updated_at = :now where id = :id

-- name: want_stop
update item set stop_by = coalesce(stop_by, :actor), stop_reason = coalesce(stop_reason, :reason),
    stop_now = :at_once, updated_at = :now
where id = :id

-- name: stop_orders
select i.id, i.stop_by, i.stop_reason, i.stop_now, q.name as queue from item i join queue q on q.id = i.queue_id
where i.entity = :entity and i.agent = :agent and i.lease_until is not null and i.stop_by is not null

-- name: lapse_leases_of
update item set lease_until = :now where agent = :agent and entity = :entity and lease_until > :now
returning queue_id

-- name: see_agent
insert into agent (entity, name, status, seen_at) values (:entity, :name, :status, :now)
on conflict (entity, name) do update set status = excluded.status, seen_at = excluded.seen_at
returning drain

-- name: session_of
select session from agent where entity = :entity and name = :name

-- name: size_of_agent
select length(status) as size, length(pause) as pause from agent where entity = :entity and name = :name

-- name: agents_by_time
select name, length(status) as size, length(pause) as pause from agent
where entity = :entity and name <> :name order by seen_at desc, name

-- name: agents_of_tokens
select distinct replace(owner, 'agent:', '') as name from token
where kind = 'agent' and entity = :entity and revoked_at is null

-- name: register_agent
insert into agent (entity, name, status, seen_at, session) values (:entity, :name, :status, :now, :session)
on conflict (entity, name) do update
set status = excluded.status, seen_at = excluded.seen_at, session = excluded.session, drain = 0

-- name: forget_agent
delete from agent where entity = :entity and name = :name and pause is null

-- name: part_with_agent
update agent set seen_at = 0, drain = 0, session = :left where entity = :entity and name = :name

-- name: forget_those_who_left
delete from agent where entity = :entity and name <> :name and session = :left and seen_at = 0 and pause is null

-- name: agents
select a.status, a.seen_at, a.drain, a.pause,
       (select count(*) from item i where i.entity = a.entity and i.agent = a.name and i.lease_until is not null) as held
from agent a where a.entity = :entity and (a.seen_at > :since or a.pause is not null) order by a.name

-- name: leases
select i.id, i.name, i.run_id, i.state, i.agent, i.lease_until,
    (select e.at from event e
     where e.item_id = i.id and (e.kind = 'lease' or e.state = 'claimed') order by e.id desc limit 1) as since
from item i where i.entity = :entity and i.lease_until is not null order by i.agent, i.seq limit :limit

-- name: pause_of_agent
select pause from agent where entity = :entity and name = :name and pause is not null

-- name: drain_agent
update agent set drain = 1 where entity = :entity and name = :name returning name

-- name: pause_agent
update agent set pause = :pause where entity = :entity and name = :name returning name

-- name: log_end
select "offset" + size as n from log where item_id = :item and attempt = :attempt
order by "offset" desc limit 1

-- name: add_log
insert into log (item_id, attempt, "offset", size, data, packed)
values (:item, :attempt, :offset, :size, :data, :packed)

-- The pieces from the one with the byte of an offset on, as many as hold so many bytes. Which those are is
-- told without looking at their data.
-- name: log_piece
select l."offset", l.data, l.packed, l.place from log l join (
    select "offset", sum(size) over (order by "offset") - size as before from (
        select "offset", size from log
        where item_id = :item and attempt = :attempt and "offset" >= (
            select max("offset") from log
            where item_id = :item and attempt = :attempt and "offset" <= :offset)
        order by "offset" limit 256) near) page on page."offset" = l."offset"
where l.item_id = :item and l.attempt = :attempt and page.before < cast(:limit as bigint)
order by l."offset"

-- name: old_log_pieces
select l.item_id as item, l.attempt, l."offset", l.data from log l join item i on i.id = l.item_id
where l.place is null and i.ended_at < :before and l.size > 0
order by l.item_id limit :limit

-- name: move_log_piece
update log set data = :empty, place = :place
where item_id = :item and attempt = :attempt and "offset" = :offset and place is null

-- name: take_log
delete from log where item_id = :item and attempt = :attempt and "offset" >= :offset
returning "offset", data, packed, place

-- name: latest_jobs
select j.* from job_version j
where j.entity = :entity and j.name > :after
  and j.version = (select max(version) from job_version k where k.entity = j.entity and k.name = j.name)
order by j.name limit :limit

-- name: job_versions
select * from job_version where entity = :entity and name = :name and version < :below
order by version desc limit :limit

-- name: job_names
select distinct name from job_version where entity = :entity order by name

-- name: job_of_digest
select * from job_version where entity = :entity and name = :name and digest = :digest

-- name: job_of_version
select * from job_version where entity = :entity and name = :name and version = :version

-- name: add_job_version
insert into job_version (entity, name, version, recipe, digest, created_at, author)
values (:entity, :name, :version, :recipe, :digest, :now, :author)
returning *

-- name: aliases_of
select alias from job_alias where entity = :entity and name = :name and version = :version order by alias
limit :limit

-- name: version_of_alias
select version from job_alias where entity = :entity and name = :name and alias = :alias

-- name: set_alias
insert into job_alias (entity, name, alias, version) values (:entity, :name, :alias, :version)
on conflict (entity, name, alias) do update set version = excluded.version

-- name: archive_known
select coalesce(upload, digest) as upload from archive where digest = :digest

-- name: add_archive
insert into archive (digest, upload, created_at) values (:digest, :upload, :now)
on conflict (digest) do nothing

-- name: add_archive_chunk
insert into archive_chunk (digest, number, data, stored_at) values (:digest, :number, :data, :now)
on conflict (digest, number) do update
set data = excluded.data, stored_at = excluded.stored_at, size = null, checksum = null, place = null

-- name: add_archive_piece
insert into archive_chunk (digest, number, data, size, checksum, place, stored_at)
values (:digest, :number, :data, :size, :checksum, :place, :now)
on conflict (digest, number) do update
set data = excluded.data, stored_at = excluded.stored_at, size = excluded.size,
    checksum = excluded.checksum, place = excluded.place

-- name: archive_pieces
select number, coalesce(size, length(data)) as size, checksum, place from archive_chunk
where digest = :digest order by number

-- name: archive_piece
select data, checksum, place from archive_chunk where digest = :digest and number = :number

-- name: drop_archive_pieces
delete from archive_chunk where digest = :digest and number >= :number
  and digest not in (select coalesce(upload, digest) from archive)
returning number

-- name: use_archive
update archive set used_at = :now where digest = :digest returning digest

-- Pieces of code that is not known (any more), none of which came lately.
-- name: drop_stale_pieces
delete from archive_chunk where digest in (
    select c.digest from archive_chunk c
    where c.digest not in (select coalesce(upload, digest) from archive)
    group by c.digest having max(coalesce(c.stored_at, 0)) < :before)
returning place

-- name: kept_place
select place from archive_chunk where place = :place
union all select place from log where place = :place

-- name: archive_chunk
select c.data, c.place from archive_chunk c join archive a on coalesce(a.upload, a.digest) = c.digest
where a.digest = :digest and c.number = :number

-- name: stop_waiting
update item set state = 'stopped', verdict = :verdict, message = :message, updated_at = :now, ended_at = :now
where id = :id
returning *

-- name: acquire_lock
insert into lock (name, holder, until) values (:name, :holder, :until)
on conflict (name) do update set holder = excluded.holder, until = excluded.until
where lock.holder = excluded.holder or lock.until <= :now
returning name

-- name: lock_of
select * from lock where name = :name

-- name: free_locks_of
delete from lock where substr(holder, 1, :size) = :own returning name

-- name: release_lock
delete from lock where name = :name and holder = :holder

-- name: outputs
select data from outputs where item_id = :item and attempt = :attempt

-- name: put_outputs
insert into outputs (item_id, attempt, data) values (:item, :attempt, :data)
on conflict (item_id, attempt) do update set data = excluded.data

-- name: kept_since
select ended_at from item where ended_at is not null order by ended_at desc limit 1 offset :keep

-- name: ended_items
select id from item where ended_at < :before order by ended_at limit :limit

-- name: count_ended
select count(*) as n from item where ended_at < :before

-- name: started_since
select queue_id, created_at, started_at as until from item
where entity = :entity and started_at >= :since and (cast(:queue as bigint) is null or queue_id = :queue)
order by started_at desc limit :limit

-- An entity has more launches than have ended since then: its own index is not the one to use.
-- name: given_up_since
select queue_id, created_at, ended_at as until from item
where entity || '' = :entity and ended_at >= :since and started_at is null
  and (cast(:queue as bigint) is null or queue_id = :queue)
order by ended_at desc limit :limit

-- name: not_started
select queue_id, created_at, null as until from item
where entity = :entity and ended_at is null and started_at is null
  and (cast(:queue as bigint) is null or queue_id = :queue)
order by seq limit :limit

-- name: count_failed_since
select count(*) as n from (
    select 1 from item
    where entity || '' = :entity and ended_at >= :since and state = 'failed' limit :limit) as failed
