-- What SQLite does in its own way. There is one writer at a time, so a claim needs no row lock.

-- name: queue_named_shared
select * from queue where entity = :entity and name = :name and deleted_at is null

-- name: queue_named_locked
select * from queue where entity = :entity and name = :name and deleted_at is null

-- name: item_locked
select i.*, q.name as queue from item i join queue q on q.id = i.queue_id where i.id = :id

-- name: held_item
select i.*, q.name as queue from item i join queue q on q.id = i.queue_id
where i.id = :id and i.token = :token

-- name: pick_waiting
select seq, null as agent from item where queue_id = :queue and state = 'queued' order by priority, seq limit 1

-- name: pick_lapsed
select seq, agent from item
where queue_id = :queue and lease_until is not null
  and (lease_until <= :now or lease_until > :horizon)
  and (site is null or site = :site)
order by priority, seq limit 1

-- name: renew_leases
update item set lease_until = :until
where lease_until is not null and seq in (
    select i.seq from json_each(:held) h
    join item i on i.id = json_extract(h.value, '$[0]') and i.token = json_extract(h.value, '$[1]'))
returning id

-- name: items
select i.*, q.name as queue from item i join queue q on q.id = i.queue_id
where i.entity = :entity
  and (:queue is null or q.name = :queue)
  and (:states is null or i.state in (select value from json_each(:states)))
  and (:author is null or i.author = :author)
  and (:agent is null or i.agent = :agent)
  and (:name is null or coalesce(i.name, i.run_id) glob replace(:name, '[', '[[]'))
  and (:since is null or i.created_at >= :since)
order by i.seq desc limit :limit

-- name: data_version
pragma data_version
