create table lock (
    name    text             primary key,
    holder  text             not null,
    until   double precision not null
);
