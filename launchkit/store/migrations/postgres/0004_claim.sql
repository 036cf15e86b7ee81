-- An agent names each of its claims, so that one whose answer was lost is not made a second time.
alter table item add column claim_id text;
create unique index item_claim on item (entity, agent, claim_id)
    where claim_id is not null and lease_until is not null;
