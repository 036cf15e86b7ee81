alter table agent add column pause text;
