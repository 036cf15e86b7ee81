-- Pieces of a log that are whole are kept compressed (zlib); `offset` and `size` are those of the plain bytes.
-- One may be kept elsewhere: `place` says where, and `data` is empty then.
alter table log add column packed integer not null default 0;
alter table log add column place text;
create index log_place on log (place) where place is not null;
create index log_here on log (item_id) where place is null;
