create table principal (
    name        text    primary key,
    kind        text    not null,
    created_at  real    not null,
    created_by  text    not null
);

create table role_grant (
    name    text    not null references principal (name),
    entity  text    not null,
    role    text    not null,
    primary key (name, entity)
);

-- Only a token's SHA-256 is kept. Agents and runs stand in no table of their own: their tokens say
-- what they are bound to.
create table token (
    id          text    primary key,
    digest      text    not null unique,
    owner       text    not null,
    kind        text    not null,
    created_at  real    not null,
    created_by  text    not null,
    expires_at  real,
    revoked_at  real,
    used_at     real,
    entity      text,
    queues      text    not null,
    item        text,
    attempt     integer
);
create index token_of_owner on token (owner);
create index token_of_run on token (item) where item is not null;

create table audit (
    id     integer primary key autoincrement,
    at     real    not null,
    actor  text    not null,
    what   text    not null
);

-- Has its one row from the first administrator on.
create table founding (
    id  integer primary key check (id = 1),
    at  real    not null
);
