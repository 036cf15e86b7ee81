-- How many transactions of each connection that writes were committed: each counts itself. It is to
-- outlive crashes and failovers, so the table must not be unlogged.
create table commit_mark (
    writer  uuid              primary key,
    number  bigint            not null,
    at      double precision  not null
);
