-- Places that are told of events. `position` is the last event that was looked at for it.
-- The secret that signs what is sent is made of `salt` and of a key outside the database, whose fingerprint is `signer`.
create table webhook (
    id          text    primary key,
    entity      text    not null,
    name        text    not null,
    url         text    not null,
    events      text    not null,
    salt        text    not null,
    signer      text    not null,
    paused      integer not null default 0,
    position    bigint  not null,
    created_at  real  not null,
    created_by  text    not null,
    unique (entity, name)
);

-- A message of a webhook about an event (0: a test). It is due until it was delivered or given up.
create table webhook_delivery (
    id          text    primary key,
    webhook     text    not null references webhook (id),
    event       bigint  not null,
    type        text    not null,
    body        text    not null,
    state       text    not null,
    created_at  real  not null,
    tries       integer not null default 0,
    due_at      real,
    answer      text,
    answered_at real
);
create index webhook_delivery_due on webhook_delivery (webhook, due_at, event) where due_at is not null;
create index webhook_delivery_recent on webhook_delivery (webhook, created_at);
