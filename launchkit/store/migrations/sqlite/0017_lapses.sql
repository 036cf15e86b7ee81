-- How many holders in a row fell silent before there was a run.
alter table item add column lapses integer not null default 0;
