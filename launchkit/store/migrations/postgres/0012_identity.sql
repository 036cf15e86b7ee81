-- Whom a provider of identities knows, and which account they have here: at each issuer one has but one.
create table identity (
    issuer    text  not null,
    subject   text  not null,
    name      text  not null references principal (name),
    bound_at  double precision  not null,
    primary key (issuer, subject),
    unique (issuer, name)
);
create index identity_of_name on identity (name);
