-- The idempotency keys by which a launch that waits was put back into its queue.
create table requeue (
    item_id          text not null,
    idempotency_key  text not null,
    primary key (item_id, idempotency_key)
);
