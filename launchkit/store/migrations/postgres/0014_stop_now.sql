-- A launch that is to end may be wanted to end without its grace.
alter table item add column stop_now integer not null default 0;
