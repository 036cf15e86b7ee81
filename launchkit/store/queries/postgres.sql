-- What PostgreSQL does in its own way: many write at a time, so rows are locked, and a claim
-- passes over what another claim has just locked.

-- name: queue_named_shared
select * from queue where entity = :entity and name = :name and deleted_at is null for share

-- name: queue_named_locked
select * from queue where entity = :entity and name = :name and deleted_at is null for update

-- name: item_locked
select i.*, q.name as queue from item i join queue q on q.id = i.queue_id where i.id = :id
for update of i

-- name: held_item
select i.*, q.name as queue from item i join queue q on q.id = i.queue_id
where i.id = :id and i.token = :token
for update of i

-- name: pick_waiting
select seq, null as agent from item where queue_id = :queue and state = 'queued'
order by priority, seq limit 1
for update skip locked

-- name: pick_lapsed
select seq, agent from item
where queue_id = :queue and lease_until is not null
  and (lease_until <= :now or lease_until > :horizon)
  and (site is null or site = :site)
order by priority, seq limit 1
for update skip locked

-- name: renew_leases
update item set lease_until = :until
where lease_until is not null and seq in (
    select i.seq from json_array_elements(:held::json) h
    join item i on i.id = h ->> 0 and i.token = (h ->> 1)::bigint
    order by i.seq for update of i)
returning id

-- name: items
select i.*, q.name as queue from item i join queue q on q.id = i.queue_id
where i.entity = :entity
  and (:queue::text is null or q.name = :queue)
  and (:states::text is null or i.state in (select json_array_elements_text(:states::json)))
  and (:author::text is null or i.author = :author)
  and (:agent::text is null or i.agent = :agent)
  and (:name::text is null or coalesce(i.name, i.run_id) like
       translate(replace(replace(replace(:name, '\', '\\'), '%', '\%'), '_', '\_'), '*?', '%_'))
  and (:since::float8 is null or i.created_at >= :since)
order by i.seq desc limit :limit

-- name: announce
select pg_current_xact_id_if_assigned()::text as xact,
       (select count(pg_notify('launchkit', topic)) from unnest(:topics::text[]) topic) as told

-- name: fate
select pg_xact_status(:xact::text::xid8) as status

-- name: schema_version
select version from schema_version
