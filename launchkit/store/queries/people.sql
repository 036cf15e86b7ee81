-- name: add_principal
insert into principal (name, kind, created_at, created_by) values (:name, :kind, :now, :actor)
on conflict (name) do nothing
returning *

-- name: principals
select * from principal order by name

-- name: drop_grants_of
delete from role_grant where name = :name

-- name: drop_principal
delete from principal where name = :name returning *

-- name: drop_identities_of
delete from identity where name = :name

-- name: identity
select * from identity where issuer = :issuer and subject = :subject

-- name: add_identity
insert into identity (issuer, subject, name, bound_at) values (:issuer, :subject, :name, :now)
on conflict do nothing
returning *

-- name: grant_role
insert into role_grant (name, entity, role) values (:name, :entity, :role)
on conflict (name, entity) do update set role = excluded.role

-- name: revoke_role
delete from role_grant where name = :name and entity = :entity returning role

-- name: grants
select * from role_grant order by name, entity

-- name: entities
select entity from queue
union
select entity from role_grant where entity <> :everywhere
order by entity

-- name: administrators
select name from role_grant where entity = '*' and role = 'admin' limit 1

-- name: found
insert into founding (id, at) values (1, :now) on conflict (id) do nothing returning id

-- name: add_token
insert into token (id, digest, owner, kind, created_at, created_by, expires_at, entity, queues, item, attempt,
                   session, parent)
values (:id, :digest, :owner, :kind, :now, :actor, :expires, :entity, :queues, :item, :attempt, :session, :parent)
returning *

-- name: tokens
select * from token where kind <> 'run' order by created_at, id

-- name: token
select * from token where id = :id

-- name: agent_tokens_that_count
select id, queues from token
where kind = 'agent' and entity = :entity and owner = :owner and revoked_at is null
  and (expires_at is null or expires_at > :now)
order by created_at, id

-- name: token_of_digest
select t.*, i.id as under_way from token t
left join item i on i.id = t.item and i.attempt = t.attempt and i.lease_until is not null
where t.digest = :digest

-- name: use_token
update token set used_at = :now where id = :id and (used_at is null or used_at <= :before or used_at > :now)

-- name: revoke_token
update token set revoked_at = :now where (id = :id or parent = :id) and revoked_at is null

-- name: revoke_tokens_of
update token set revoked_at = :now where owner = :name and revoked_at is null

-- name: drop_ended_tokens
delete from token where item is not null and not exists (
    select 1 from item i
    where i.id = token.item and i.attempt = token.attempt and i.lease_until is not null)

-- name: drop_ended_sessions
delete from token where session = 1 and expires_at < :before

-- name: drop_oldest_sessions
delete from token where session = 1 and owner = :owner and id not in (
    select id from token where session = 1 and owner = :owner order by created_at desc, id limit :kept)

-- name: add_audit
insert into audit (at, actor, what) values (:now, :actor, :what)

-- name: audit
select * from audit order by id desc limit :limit

-- name: audit_before
select * from audit where id < :before order by id desc limit :limit
