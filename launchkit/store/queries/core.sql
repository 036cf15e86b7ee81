-- Statements that all databases understand. Times are parameters: tests own the clock.

-- name: queue_named
select * from queue where entity = :entity and name = :name and deleted_at is null

-- name: queue_of
select * from queue where id = :id

-- name: queues
select * from queue where entity = :entity and deleted_at is null order by name

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
where queue_id = :queue and state not in ('finished', 'failed', 'stopped')

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

-- name: item_of_id
select i.*, q.name as queue from item i join queue q on q.id = i.queue_id
where i.entity = :entity and (i.id = :ref or i.run_id = :ref)

-- name: items_named
select i.*, q.name as queue from item i join queue q on q.id = i.queue_id
where i.entity = :entity and i.name = :ref order by i.seq desc limit 10

-- name: position
select count(*) as n from item
where queue_id = :queue and state = 'queued'
  and (priority < :priority or (priority = :priority and seq <= :seq))

-- name: count_leased
select count(*) as n from item where queue_id = :queue and lease_until is not null

-- name: add_event
insert into event (queue_id, item_id, at, kind, actor, attempt, state, cause)
values (:queue, :item, :now, :kind, :actor, :attempt, :state, :cause)

-- name: events_of_item
select * from event where item_id = :item and id > :since order by id

-- name: newest_events
select e.* from event e join item i on i.id = e.item_id
where i.entity = :entity and e.id > :since order by e.id desc limit 100

-- name: claim_item
update item
set state = case when state = 'queued' then 'claimed' else state end, token = token + 1, agent = :agent, lease_until = :until, updated_at = :now
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

-- name: change_priority
update item set priority = :priority, updated_at = :now where id = :id

-- name: want_stop
update item set stop_by = :actor, stop_reason = :reason, updated_at = :now where id = :id

-- name: stop_orders
select id, stop_by, stop_reason from item
where entity = :entity and agent = :agent and lease_until is not null and stop_by is not null

-- name: lapse_leases_of
update item set lease_until = :now where agent = :agent and entity = :entity and lease_until > :now
returning queue_id

-- name: see_agent
insert into agent (entity, name, status, seen_at) values (:entity, :name, :status, :now)
on conflict (entity, name) do update set status = excluded.status, seen_at = excluded.seen_at
returning drain

-- name: forget_agent
delete from agent where entity = :entity and name = :name

-- name: agents
select a.status, a.seen_at,
       (select count(*) from item i where i.entity = a.entity and i.agent = a.name and i.lease_until is not null) as held
from agent a where a.entity = :entity and a.seen_at > :since order by a.name

-- name: log_end
select "offset" + size as n from log where item_id = :item and attempt = :attempt
order by "offset" desc limit 1

-- name: add_log
insert into log (item_id, attempt, "offset", size, data) values (:item, :attempt, :offset, :size, :data)

-- name: log_piece
select "offset", data from log
where item_id = :item and attempt = :attempt and "offset" <= :offset
order by "offset" desc limit 1

-- name: latest_jobs
select j.* from job_version j
where j.entity = :entity
  and j.version = (select max(version) from job_version k where k.entity = j.entity and k.name = j.name)
order by j.name

-- name: job_versions
select * from job_version where entity = :entity and name = :name order by version desc

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

-- name: version_of_alias
select version from job_alias where entity = :entity and name = :name and alias = :alias

-- name: set_alias
insert into job_alias (entity, name, alias, version) values (:entity, :name, :alias, :version)
on conflict (entity, name, alias) do update set version = excluded.version

-- name: archive_known
select digest from archive where digest = :digest

-- name: add_archive
insert into archive (digest, created_at) values (:digest, :now) on conflict (digest) do nothing

-- name: add_archive_chunk
insert into archive_chunk (digest, number, data) values (:digest, :number, :data)
on conflict (digest, number) do update set data = excluded.data

-- name: archive_chunk
select c.data from archive_chunk c join archive a on a.digest = c.digest
where c.digest = :digest and c.number = :number

-- name: open_items
select * from item where queue_id = :queue and state in ('queued', 'held')

-- name: stop_waiting
update item set state = 'stopped', verdict = :verdict, message = :message, updated_at = :now, ended_at = :now
where id = :id
returning *

-- name: acquire_lock
insert into lock (name, holder, until) values (:name, :holder, :until)
on conflict (name) do update set holder = excluded.holder, until = excluded.until
where lock.holder = excluded.holder or lock.until <= :now
returning name

-- name: free_locks_of
delete from lock where substr(holder, 1, :size) = :own

-- name: release_lock
delete from lock where name = :name and holder = :holder
