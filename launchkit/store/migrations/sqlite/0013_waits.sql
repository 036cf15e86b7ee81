-- How long launches waited lately is found without a look at all that have ended.
create index item_started on item (entity, started_at) where started_at is not null;
