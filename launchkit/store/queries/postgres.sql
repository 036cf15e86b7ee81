-- What PostgreSQL does in its own way: many write at a time, so rows are locked, and a claim
-- passes over what another claim has just locked.
--
-- Who locks several waits for them in this order, so that no two wait for each other: a right, an account,
-- a webhook, the turn of agents and their rows, a queue, the turn of queues, items. What an item's queue is, is only told
-- once the item is locked: until then it may be moved. Where it is, is read by a statement of its own: a
-- join with `for update` gives nothing if the row that was waited for has another partner by then.

-- name: queue_named_shared
select * from queue where entity = :entity and name = :name and deleted_at is null for share

-- name: queue_named_locked
select * from queue where entity = :entity and name = :name and deleted_at is null for update

-- name: item_locked
select * from item where id = :id for update

-- What is open stays so until the transaction ends: no agent claims it or tells of it.
-- name: open_items
select id, queue_id, entity, attempt from item
where queue_id = :queue
  and state in ('queued', 'held', 'claimed', 'building', 'submitting', 'starting', 'running')
limit :most
for update

-- name: head_locked
select entity, state, attempt, lease_until from item where id = :id for update

-- name: held_item
select * from item where id = :id and token = :token for update

-- name: pick_waiting
select seq, null as agent from item where queue_id = :queue and state = 'queued'
order by priority, seq limit 1
for update skip locked

-- name: pick_lapsed
select seq, agent from item
where queue_id = :queue and lease_until is not null
  and (lease_until <= :now or lease_until > :horizon)
  and (site is null or site = :site)
  and (:own::text is null or agent = :own)
order by priority, seq limit 1
for update skip locked

-- A whole claim in one round trip, for queues without a limit. The row of the queue always comes
-- back, beside nulls where there was nothing to claim.
-- name: claim_at_once
with q as (
    select * from queue where entity = :entity and name = :name and deleted_at is null
), free as (
    select 1 where not exists (
        select from agent where entity = :entity and name = :agent
          and session <> :session::text)
), unpaused as (
    select 1 where not exists (
        select from agent where entity = :entity and name = :agent and pause is not null)
), given as (
    select seq from item
    where entity = :entity and agent = :agent and claim_id = :claim_id::text and lease_until is not null
), lapsed as (
    select i.seq, i.agent from item i join q on i.queue_id = q.id join free on true
    where not exists (select 1 from given) and q.max_concurrent is null and q.resource = any(:resources::text[])
      and i.lease_until is not null and (i.lease_until <= :now or i.lease_until > :horizon)
      and (i.site is null or i.site = :site)
      and (i.agent = :agent or exists (select from unpaused))
    order by i.priority, i.seq limit 1 for update of i skip locked
), waiting as (
    select i.seq, null::text as agent from item i
    where i.queue_id = (
        select id from q
        where max_concurrent is null and resource = any(:resources::text[])
          and (pause is null or paused_until <= :now)
          and exists (select from free) and exists (select from unpaused)
          and not exists (select 1 from lapsed) and not exists (select 1 from given))
      and i.state = 'queued'
    order by i.priority, i.seq limit 1 for update skip locked
), picked as (
    select * from lapsed union all select * from waiting
), claimed as (
    update item i
    set state = case when i.state = 'queued' then 'claimed' else i.state end, token = i.token + 1,
        agent = :agent, lease_until = :until, claim_id = :claim_id, updated_at = :now,
        lapses = case when i.state in ('claimed', 'building', 'submitting') then i.lapses + 1 else 0 end
    from picked where i.seq = picked.seq
    returning i.*, picked.agent as former
), noted as (
    insert into event (queue_id, item_id, at, kind, actor, attempt, state, cause)
    select queue_id, id, :now, case when former is null then 'state' else 'lease' end, :agent, attempt,
           case when former is null then 'claimed' end,
           case when former is null then 'claimed'
                when former = :agent then 'taken up again: agent ' || former || ' fell silent, and is back'
                else 'taken over: agent ' || former || ' fell silent' end
    from claimed
)
select claimed.*, q.id as q_id, q.entity as q_entity, q.name as q_name, q.spec as q_spec,
       q.version as q_version, q.created_at as q_created_at, q.updated_at as q_updated_at,
       q.pause as q_pause, q.max_concurrent as q_max_concurrent,
       exists (select 1 from given) as given,
       exists (select 1 from agent where entity = :entity and name = :agent and session <> :session::text) as replaced
from q left join claimed on true

-- name: renew_leases
update item set lease_until = :until
where entity = :entity and agent = :agent and lease_until is not null and seq in (
    select i.seq from json_array_elements(:held::json) h
    join item i on i.id = h ->> 0 and i.token = (h ->> 1)::bigint
    join queue q on q.id = i.queue_id
    where :queues::text is null or q.name in (select json_array_elements_text(:queues::json))
    order by i.seq for update of i)
returning id

-- name: items
select {row} from item i join queue q on q.id = i.queue_id
where i.entity = :entity
  and (:queue::text is null or q.name = :queue)
  and (:states::text is null or i.state in (select json_array_elements_text(:states::json)))
  and (:author::text is null or i.author = :author)
  and (:not_queue::text is null or q.name <> :not_queue)
  and (:not_author::text is null or i.author is distinct from :not_author)
  and (:agent::text is null or i.agent = :agent)
  and (:name::text is null or coalesce(i.name, i.run_id) like
       translate(replace(replace(replace(:name, '\', '\\'), '%', '\%'), '_', '\_'), '*?', '%_'))
  and (:since::float8 is null or i.created_at >= :since)
  {open}
  and {behind}
order by {order} limit {limit}

-- name: items_listed
select {listed}, q.name as queue from item i join queue q on q.id = i.queue_id
where i.seq = any(array(select json_array_elements_text(:seqs::json)::bigint))

-- name: tokens_of_digests
select t.*, i.id as under_way, cast(:now as double precision) as proved_at,
       (select json_object_agg(g.entity, g.role)::text from role_grant g where g.name = t.owner) as roles
from token t
left join item i on i.id = t.item and i.attempt = t.attempt and i.lease_until is not null
where t.digest in (select json_array_elements_text(:digests::json))

-- name: agents_with_tokens
select distinct owner from token
where kind = 'agent' and entity = :entity and revoked_at is null
  and owner in (select json_array_elements_text(:owners::json))

-- Whoever takes the turn, too, waits for this transaction.
-- name: turn
select pg_advisory_xact_lock(hashtext(:what), hashtext(:of)) as taken

-- Whoever takes the turn waits for this transaction, and is waited for; others who share it do not.
-- name: turn_shared
select pg_advisory_xact_lock_shared(hashtext(:what), hashtext(:of)) as taken

-- Whoever takes the turn of the token's owner waits for this transaction, and is waited for by those
-- who come later, which locked rows would not do.
-- name: right_held
select pg_advisory_xact_lock_shared(hashtext('rights'), hashtext(owner)) as held from token where digest = :digest

-- Whoever begins, adds or takes away something of this account waits for this transaction.
-- name: principal_locked
select * from principal where name = :name for update

-- Whoever makes a message of this webhook waits for this transaction.
-- name: webhook_locked
select * from webhook where entity = :entity and name = :name for update

-- name: leave_mark
insert into commit_mark (writer, number, at)
select :writer, 1, :now where pg_current_xact_id_if_assigned() is not null
on conflict (writer) do update set number = commit_mark.number + 1, at = excluded.at
returning number

-- Rows that others sweep are passed over: two never wait for each other.
-- name: drop_old_marks
delete from commit_mark where writer in (
    select writer from commit_mark where at < :before for update skip locked)

-- It is no select: one that writes waits for a transaction of the writer's that is under way, and is
-- refused by a standby, which may lag behind.
-- name: last_mark
insert into commit_mark (writer, number, at) values (:writer, 0, :now)
on conflict (writer) do update set at = commit_mark.at
returning number

-- name: announce
select count(pg_notify('launchkit', topic)) from unnest(:topics::text[]) topic

-- The last number that an event was given, committed or not. No snapshot is in its way.
-- name: last_event
select case when is_called then last_value else last_value - 1 end as id from event_id_seq

-- Who writes events now: the lock on the table is taken before an event has its number, and given back
-- once the event can be read.
-- name: event_writers
select distinct virtualtransaction as writer from pg_locks
where locktype = 'relation' and relation = 'event'::regclass and mode = 'RowExclusiveLock'
  and database = (select oid from pg_database where datname = current_database())

-- One who has fallen silent holds neither locks nor a connection for long.
-- name: limits
select set_config(name, setting, :local::bool) from (values
    ('statement_timeout', :ms::text),
    ('idle_in_transaction_session_timeout', :ms),
    ('tcp_user_timeout', '15000'),
    ('tcp_keepalives_idle', '5'),
    ('tcp_keepalives_interval', '5'),
    ('tcp_keepalives_count', '2')) as limits (name, setting)

-- No text of the server's holds a character 0, which JSON may name.
-- name: drop_unused_archives
with used as (
    select replace(spec, '\u0000', '\ufffd')::json #>> '{recipe,source,digest}' as digest from item
    union select replace(recipe, '\u0000', '\ufffd')::json #>> '{source,digest}' from job_version)
delete from archive
where coalesce(used_at, created_at) < :before
  and digest not in (select digest from used where digest is not null)
returning digest

-- name: drop_events_of
delete from event where item_id = any(array(select json_array_elements_text(:items::json)))

-- name: drop_logs_of
delete from log where item_id = any(array(select json_array_elements_text(:items::json)))

-- name: drop_outputs_of
delete from outputs where item_id = any(array(select json_array_elements_text(:items::json)))

-- name: drop_requeues_of
delete from requeue where item_id = any(array(select json_array_elements_text(:items::json)))

-- name: drop_tokens_of
delete from token where item = any(array(select json_array_elements_text(:items::json)))

-- name: drop_items
delete from item where id = any(array(select json_array_elements_text(:items::json))) and ended_at is not null returning id

-- name: stand_of
select item.id, item.attempt, item.ended_at, queue.name as queue from item join queue on queue.id = item.queue_id where item.entity = :entity and item.id = any(array(select json_array_elements_text(:items::json)))

-- name: claimed_in
select distinct event.item_id as id, event.attempt, queue.name as queue from event join queue on queue.id = event.queue_id where event.state = 'claimed' and event.item_id = any(array(select json_array_elements_text(:items::json)))

-- Of what an agent says, what may be large stays here.
-- name: serving
select a.name, a.seen_at, a.drain, a.pause,
       coalesce(said ->> 'draining', 'false') = 'true' as draining,
       (said ->> 'max_jobs')::numeric as max_jobs,
       case json_typeof(said -> 'resources')
           when 'array' then :resource::text in (select json_array_elements_text(said -> 'resources'))
           else true end as has_runner,
       left(said -> 'unable' ->> :resource::text, :most::integer) as unable,
       length(said -> 'unable' ->> :resource::text) > :most::integer as unable_more,
       (select count(*) from item i where i.entity = a.entity and i.agent = a.name and i.lease_until is not null) as held
from agent a cross join lateral (select replace(a.status, '\u0000', '\ufffd')::json as said) as told
where a.entity = :entity and a.seen_at >= :since
  and :queue::text in (select json_array_elements_text(said -> 'queues'))
order by a.name
