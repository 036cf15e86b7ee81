-- What SQLite does in its own way. There is one writer at a time, so a claim needs no row lock.

-- name: queue_named_shared
select * from queue where entity = :entity and name = :name and deleted_at is null

-- name: queue_named_locked
select * from queue where entity = :entity and name = :name and deleted_at is null

-- name: item_locked
select * from item where id = :id

-- name: open_items
select id, queue_id, entity, attempt from item
where queue_id = :queue
  and state in ('queued', 'held', 'claimed', 'building', 'submitting', 'starting', 'running')
limit :most

-- name: head_locked
select entity, state, attempt, lease_until from item where id = :id

-- name: held_item
select * from item where id = :id and token = :token

-- name: pick_waiting
select seq, null as agent from item where queue_id = :queue and state = 'queued' order by priority, seq limit 1

-- name: pick_lapsed
select seq, agent from item
where queue_id = :queue and lease_until is not null
  and (lease_until <= :now or lease_until > :horizon)
  and (site is null or site = :site)
  and (:own is null or agent = :own)
order by priority, seq limit 1

-- name: renew_leases
update item set lease_until = :until
where entity = :entity and agent = :agent and lease_until is not null and seq in (
    select i.seq from json_each(:held) h
    join item i on i.id = json_extract(h.value, '$[0]') and i.token = json_extract(h.value, '$[1]')
    join queue q on q.id = i.queue_id
    where :queues is null or q.name in (select value from json_each(:queues)))
returning id

-- name: items
select {row} from item i join queue q on q.id = i.queue_id
where i.entity = :entity
  and (:queue is null or q.name = :queue)
  and (:states is null or i.state in (select value from json_each(:states)))
  and (:author is null or i.author = :author)
  and (:not_queue is null or q.name <> :not_queue)
  and (:not_author is null or i.author is not :not_author)
  and (:agent is null or i.agent = :agent)
  and (:name is null or coalesce(i.name, i.run_id) glob replace(:name, '[', '[[]'))
  and (:since is null or i.created_at >= :since)
  {open}
  and {behind}
order by {order} limit {limit}

-- name: items_listed
select {listed}, q.name as queue from item i join queue q on q.id = i.queue_id
where i.seq in (select value from json_each(:seqs))

-- name: tokens_of_digests
select t.*, i.id as under_way, cast(:now as double precision) as proved_at,
       (select json_group_object(g.entity, g.role) from role_grant g where g.name = t.owner) as roles
from token t
left join item i on i.id = t.item and i.attempt = t.attempt and i.lease_until is not null
where t.digest in (select value from json_each(:digests))

-- name: agents_with_tokens
select distinct owner from token
where kind = 'agent' and entity = :entity and revoked_at is null
  and owner in (select value from json_each(:owners))

-- One writes at a time.
-- name: turn
select null as taken where false

-- name: turn_shared
select null as taken where false

-- name: right_held
select null as held where false

-- name: principal_locked
select * from principal where name = :name

-- name: webhook_locked
select * from webhook where entity = :entity and name = :name

-- name: last_event
select coalesce(max(id), 0) as id from event

-- One writes at a time, and nobody reads before that one has committed.
-- name: event_writers
select null as writer where false

-- name: mark
pragma application_id

-- name: drop_unused_archives
delete from archive
where coalesce(used_at, created_at) < :before and digest not in (
    select json_extract(spec, '$.recipe.source.digest') from item
    where json_extract(spec, '$.recipe.source.digest') is not null
    union select json_extract(recipe, '$.source.digest') from job_version
    where json_extract(recipe, '$.source.digest') is not null)
returning digest

-- name: drop_events_of
delete from event where item_id in (select value from json_each(:items))

-- name: drop_logs_of
delete from log where item_id in (select value from json_each(:items))

-- name: drop_outputs_of
delete from outputs where item_id in (select value from json_each(:items))

-- name: drop_requeues_of
delete from requeue where item_id in (select value from json_each(:items))

-- name: drop_tokens_of
delete from token where item in (select value from json_each(:items))

-- name: drop_items
delete from item where id in (select value from json_each(:items)) and ended_at is not null returning id

-- name: stand_of
select item.id, item.attempt, item.ended_at, queue.name as queue from item join queue on queue.id = item.queue_id where item.entity = :entity and item.id in (select value from json_each(:items))

-- name: claimed_in
select distinct event.item_id as id, event.attempt, queue.name as queue from event join queue on queue.id = event.queue_id where event.state = 'claimed' and event.item_id in (select value from json_each(:items))

-- Of what an agent says, what may be large stays here.
-- name: serving
select a.name, a.seen_at, a.drain, a.pause,
       coalesce(json_extract(a.status, '$.draining'), 0) as draining,
       json_extract(a.status, '$.max_jobs') as max_jobs,
       case json_type(a.status, '$.resources')
           when 'array' then :resource in (select value from json_each(a.status, '$.resources'))
           else true end as has_runner,
       (select substr(value, 1, :most) from json_each(a.status, '$.unable') where key = :resource) as unable,
       (select length(value) > :most from json_each(a.status, '$.unable') where key = :resource) as unable_more,
       (select count(*) from item i where i.entity = a.entity and i.agent = a.name and i.lease_until is not null) as held
from agent a
where a.entity = :entity and a.seen_at >= :since
  and :queue in (select value from json_each(a.status, '$.queues'))
order by a.name
