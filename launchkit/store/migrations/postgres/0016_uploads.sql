-- Under which name the pieces of packed code are kept: one of the upload that brought all of them,
-- or its digest.
alter table archive add column upload text;
