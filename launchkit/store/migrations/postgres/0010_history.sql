-- However much has ended: what an agent holds, what is open, and what ended first, is found by an index of its own.
drop index item_of_agent;
create index item_of_agent on item (entity, agent) where lease_until is not null;
create index item_open on item (entity, seq) where ended_at is null;
create index item_ended on item (ended_at) where ended_at is not null;
