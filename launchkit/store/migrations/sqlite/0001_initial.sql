create table queue (
    id              integer primary key autoincrement,
    entity          text    not null,
    name            text    not null,
    spec            text    not null,
    resource        text    not null,
    prioritization  integer not null,
    max_concurrent  integer,
    pause           text,
    paused_until    real,
    version         integer not null,
    created_at      real    not null,
    updated_at      real    not null,
    deleted_at      real
);
create unique index queue_name on queue (entity, name) where deleted_at is null;

-- An item is leased while lease_until is not null, also when that time has passed: then it is
-- still under way somewhere, and the next claim takes it over. `token` grows with each claim.
create table item (
    seq             integer primary key autoincrement,
    id              text    not null unique,
    run_id          text    not null unique,
    queue_id        integer not null references queue (id),
    entity          text    not null,
    name            text,
    priority        integer not null,
    author          text,
    spec            text    not null,
    state           text    not null,
    attempt         integer not null,
    token           integer not null,
    lease_until     real,
    agent           text,
    site            text,
    ref             text,
    message         text,
    exit_code       integer,
    verdict         text,
    resolved        text,
    idempotency_key text,
    request_digest  text    not null,
    stop_by         text,
    stop_reason     text,
    created_at      real    not null,
    updated_at      real    not null,
    started_at      real,
    ended_at        real
);
create index item_waiting on item (queue_id, priority, seq) where state = 'queued';
create index item_leased on item (queue_id, lease_until) where lease_until is not null;
create index item_of_agent on item (agent) where lease_until is not null;
create index item_state on item (queue_id, state);
create index item_recent on item (entity, seq);
create index item_name on item (entity, name) where name is not null;
create unique index item_idempotency on item (entity, idempotency_key)
    where idempotency_key is not null;

create table event (
    id        integer primary key autoincrement,
    queue_id  integer,
    item_id   text,
    at        real    not null,
    kind      text    not null,
    actor     text    not null,
    attempt   integer not null,
    state     text,
    cause     text
);
create index event_of_item on event (item_id, id);

create table log (
    item_id  text    not null,
    attempt  integer not null,
    "offset" integer not null,
    size     integer not null,
    data     blob    not null,
    primary key (item_id, attempt, "offset")
);

create table job_version (
    entity      text    not null,
    name        text    not null,
    version     integer not null,
    recipe      text    not null,
    digest      text    not null,
    created_at  real    not null,
    author      text,
    primary key (entity, name, version)
);
create unique index job_recipe on job_version (entity, name, digest);

create table job_alias (
    entity   text    not null,
    name     text    not null,
    alias    text    not null,
    version  integer not null,
    primary key (entity, name, alias)
);

create table archive (
    digest      text    primary key,
    created_at  real    not null
);

create table archive_chunk (
    digest  text    not null,
    number  integer not null,
    data    blob    not null,
    primary key (digest, number)
);

create table agent (
    entity  text    not null,
    name    text    not null,
    status  text    not null,
    seen_at real    not null,
    drain   integer not null default 0,
    primary key (entity, name)
);
