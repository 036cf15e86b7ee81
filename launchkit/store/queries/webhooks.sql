-- Webhooks and their messages.

-- name: add_webhook
insert into webhook (id, entity, name, url, events, salt, signer, position, created_at, created_by)
values (:id, :entity, :name, :url, :events, :salt, :signer, :position, :now, :actor)
on conflict (entity, name) do nothing
returning *

-- name: webhooks
select * from webhook where entity = :entity order by name

-- name: all_webhooks
select * from webhook order by entity, name

-- name: webhook
select * from webhook where id = :id

-- name: count_webhooks
select count(*) as n from webhook where entity = :entity

-- name: drop_webhook
delete from webhook where id = :id

-- name: drop_deliveries_of
delete from webhook_delivery where webhook = :id

-- name: pause_webhook
update webhook set paused = 1 where id = :id

-- name: resume_webhook
update webhook set paused = 0, position = :position where id = :id

-- Of two services that move it at once, one does.
-- name: move_webhook
update webhook set position = :until where id = :id and position = :since and paused = 0 returning id

-- name: active_webhooks
select w.id, w.entity, w.name, w.signer, w.position,
    (select min(d.due_at) from webhook_delivery d where d.webhook = w.id and d.due_at is not null) as due_at
from webhook w where w.paused = 0 order by w.id

-- name: events_for_webhook
select e.*, q.name as queue, i.name, i.run_id, i.author
from event e cross join queue q left join item i on i.id = e.item_id
where q.id = e.queue_id and q.entity = :entity and e.id > :since and e.id <= :until order by e.id limit :limit

-- name: add_delivery
insert into webhook_delivery (id, webhook, event, type, body, state, created_at, due_at)
values (:id, :webhook, :event, :type, :body, 'waiting', :now, :now)
on conflict (id) do nothing

-- name: delivery
select * from webhook_delivery where id = :id

-- name: deliveries
select * from webhook_delivery where webhook = :webhook order by created_at desc, event desc limit :limit

-- name: next_delivery
select d.id, d.body, w.url, w.salt
from webhook_delivery d join webhook w on w.id = d.webhook
where d.webhook = :webhook and w.paused = 0 and d.due_at <= :now order by d.due_at, d.event limit 1

-- name: answer_delivery
update webhook_delivery
set state = :state, tries = tries + 1, due_at = :due_at, answer = :answer, answered_at = :now
where id = :id and due_at is not null

-- name: give_up_deliveries
update webhook_delivery
set state = 'given up', due_at = null, answer = coalesce(answer, :answer)
where webhook = :webhook and due_at is not null and created_at < :before

-- name: drop_old_deliveries
delete from webhook_delivery where webhook = :webhook and created_at < :before and due_at is null
