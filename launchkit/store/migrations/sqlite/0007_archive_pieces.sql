-- A piece of packed code may be kept elsewhere: `place` says where, and `data` is empty then.
alter table archive add column used_at real;
alter table archive_chunk add column size integer;
alter table archive_chunk add column checksum text;
alter table archive_chunk add column place text;
alter table archive_chunk add column stored_at real;
create index archive_place on archive_chunk (place) where place is not null;
