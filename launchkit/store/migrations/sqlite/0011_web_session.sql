-- A token that a browser keeps, and the token that somebody signed in with: what that proves ends with it.
alter table token add column session integer not null default 0;
alter table token add column parent text;
