-- A small database with one of everything that a dump can hold, and with traps for those who read dumps by line.
-- psql variables: rows.
create role shop_owner; create role shop_app login; create role reporting; create role "odd Role";
create database shop template template0 owner shop_owner;
alter database shop set search_path to public, extra;
alter role shop_app in database shop set statement_timeout to '5s';
grant connect on database shop to reporting;
\c shop
create extension pgcrypto; create extension btree_gist;
create schema extra authorization shop_owner;
set role shop_owner;
create type extra.status as enum ('new','paid','sent');
create domain extra.money_ok as numeric check (value >= 0);
reset role;
create table customers(id bigint generated always as identity primary key, name text not null, email text unique check (email like '%@%'));
create table orders(id bigserial primary key, customer bigint references customers, status extra.status default 'new', total extra.money_ok, note text, at timestamptz default now());
create index orders_at on orders(at);
create table "two
lines"(id int primary key, constraint "also
two" check (id > 0)); insert into "two
lines" values (1);
create table parts(k int, v text) partition by range (k);
create table parts_1 partition of parts for values from (0) to (100);
create view open_orders as select * from orders where status='new';
create materialized view totals as select customer, sum(total) s from orders group by 1;
create function bump() returns trigger language plpgsql as $$ begin
-- fooled?
COPY x FROM stdin;
GRANT ALL ON t TO nobody_at_all;
return new; end $$;
alter function bump() owner to shop_owner;
create function total_of(c bigint) returns numeric language sql begin atomic select sum(total) from orders where customer=c; end;
create trigger bump before insert on orders for each row execute function bump();
drop trigger bump on orders;
create or replace function bump() returns trigger language plpgsql as $f$ begin new.note := coalesce(new.note,'') ; return new; end $f$;
create trigger bump before insert on orders for each row execute function bump();
alter table orders enable row level security;
create policy mine on orders for select to shop_app, "odd Role" using (customer = 1);
grant select on orders to reporting with grant option; grant insert, update(note) on orders to shop_app;
alter table orders owner to shop_owner; alter table customers owner to shop_owner;
alter default privileges for role shop_owner in schema public grant select on tables to reporting;
create rule r as on delete to customers do instead nothing;
comment on table orders is 'semi;colon ''quote'' $$ \n
COPY public.orders FROM stdin;';
insert into customers(name,email) select 'name "'||g||'"', g||'@example.com' from generate_series(1,1000) g;
insert into orders(customer,total,note) select 1+g%1000, g%500, 'note '||g||E'\t\\ \n tab' from generate_series(1, :rows) g;
insert into parts select g, 'p' from generate_series(0,99) g;
refresh materialized view totals;
select lo_from_bytea(70001, 'large object');
create publication pub for table orders;
create statistics st on customer, status from orders;
