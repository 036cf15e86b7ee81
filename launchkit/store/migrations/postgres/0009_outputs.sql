-- What a run tells of itself, as a JSON object.
create table outputs (
    item_id  text    not null,
    attempt  integer not null,
    data     text    not null,
    primary key (item_id, attempt)
);
