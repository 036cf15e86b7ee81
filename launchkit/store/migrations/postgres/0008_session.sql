-- The agent that last registered under its name: an older one of that name is replaced.
alter table agent add column session text;
