create table lock (
    name    text    primary key,
    holder  text    not null,
    until   real    not null
);
