-- A cluster as people have it: databases of several kinds, roles with passwords and memberships, a tablespace,
-- what only superusers own, what stands on the name of its database.
create role est_owner; create role est_readers; create role est_app login password 'sesame-app'; create role est_super superuser;
grant est_readers to est_app; alter role est_app set work_mem to '8MB'; comment on role est_app is 'it''s the app';
set allow_in_place_tablespaces = on; create tablespace est_fast location '';
create database estate template template0 owner est_owner;
alter database estate set search_path to public, extra;
grant connect on database estate to est_readers;
create database "Second Estate" template template0;
\c "Second Estate"
create table second (id int primary key); insert into second values (1), (2);
\c estate
create extension citext;
create schema extra authorization est_owner;
create table public.orders (id int primary key, name text not null, code citext);
insert into public.orders select g, 'n' || g, 'c' || g from generate_series(1, 100) g;
alter table public.orders owner to est_owner;
create table extra.fast (id int) tablespace est_fast; insert into extra.fast values (7);
create index fast_id on extra.fast (id) tablespace est_fast;
create table extra.parts (k int, v text) partition by range (k);
create table extra.parts_1 partition of extra.parts for values from (0) to (10);
insert into extra.parts values (1, 'a');
grant usage on schema extra to est_readers; grant select on extra.fast to est_readers;
create view public.open_orders as select id, name from public.orders group by id;
create materialized view public.here as select current_database()::text as name;
create function extra.et() returns event_trigger language plpgsql as $$ begin end $$;
create event trigger et on ddl_command_end when tag in ('CREATE CAST') execute function extra.et();
alter event trigger et owner to est_super;
create foreign data wrapper fdw; alter foreign data wrapper fdw owner to est_super;
create subscription sub connection 'host=192.0.2.1 dbname=x' publication p with (connect = false);
alter subscription sub owner to est_super;
create publication pub for table public.orders;
alter default privileges for role est_owner in schema extra grant select on tables to est_readers;
select lo_from_bytea(70002, 'large');
create policy mine on public.orders for select to est_readers using (true);
create collation extra.c (provider = libc, locale = 'C.utf8');
comment on extension citext is 'changed';
alter role est_super nosuperuser;
\c postgres
create table public.in_postgres (id int); insert into public.in_postgres values (1), (2), (3);
