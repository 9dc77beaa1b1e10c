-- The good database of the shelf: small, with one of everything that a dump can lose, and a month of business up to now.
create role shop_owner; create role shop_app login; create role shop_report;
create database good template template0 owner shop_owner;
\c good
create extension pgcrypto;
create schema archive authorization shop_owner;
create type order_status as enum ('new', 'paid', 'sent');
create domain positive_amount as numeric(12,2) check (value >= 0);
create table customers (
  id bigint generated always as identity primary key, name text not null, city text not null, email text not null unique check (email like '%@%'),
  balance numeric(12,2) not null default 0, photo oid, created_at timestamptz not null default now());
create table products (sku text primary key, name text not null, price numeric(10,2) not null check (price > 0));
create sequence order_numbers start 100001;
create table orders (
  id bigserial primary key, number bigint not null unique default nextval('order_numbers'), customer_id bigint not null references customers,
  status order_status not null default 'new', total positive_amount not null, note text, created_at timestamptz not null default now());
alter sequence order_numbers owned by orders.number;
create index orders_at on orders (created_at);
create table order_lines (
  order_id bigint not null references orders on delete cascade, line int not null, sku text not null references products,
  quantity int not null check (quantity > 0), price numeric(10,2) not null, primary key (order_id, line));
create table payments (
  id bigint generated always as identity primary key, order_id bigint not null unique references orders, amount positive_amount not null,
  paid_at timestamptz not null);
create table visits (at timestamptz not null, page text not null, seconds int not null); -- without a key, as logs are
create table stock (month date not null, sku text not null, pieces int not null) partition by range (month);
create table stock_then partition of stock for values from ('2020-01-01') to ('2026-01-01');
create table stock_now partition of stock for values from ('2026-01-01') to ('2100-01-01');
create table archive.orders_2019 (id int primary key, total numeric(12,2) not null, note text);
create table settings (key text primary key, value jsonb not null);
create table returns (id int primary key, reason text); -- nobody has sent anything back yet
create view order_history as select o.number, c.name, o.total, o.created_at from orders o join customers c on c.id = o.customer_id;
create materialized view revenue as select date_trunc('day', created_at) as day, sum(total) as total from orders group by 1;
create function touch() returns trigger language plpgsql as $$ begin new.note := coalesce(new.note, ''); return new; end $$;
create trigger orders_touch before insert on orders for each row execute function touch();
create function vat(amount numeric) returns numeric language sql immutable as $$ select round(amount * 0.13, 2) $$;
alter table payments enable row level security;
create policy payments_of_the_app on payments to shop_app using (true) with check (true);
create statistics orders_both on customer_id, status from orders;
comment on table orders is '订单';
grant select, insert, update on customers, orders, order_lines, payments to shop_app;
grant usage on sequence order_numbers to shop_app;
grant select on order_history, revenue to shop_report;
alter default privileges for role shop_owner grant select on tables to shop_report;
grant usage on schema archive to shop_report;
select lo_from_bytea(70001, convert_to('a photograph of 王小明', 'UTF8')), lo_from_bytea(70002, 'another photograph');

insert into customers (name, city, email, balance, photo, created_at) select
  (array['王', '李', '张', '刘', '陈', '杨', '赵', '黄'])[1 + i % 8] || (array['小明', '伟', '芳', '秀英', '敏', '静'])[1 + i % 6] || i,
  (array['北京', '上海', '广州', 'Zürich', 'Köln'])[1 + i % 5], 'customer' || i || '@example.com', round((i * 7919) % 100000 / 100.0, 2),
  case when i <= 2 then 70000 + i end, now() - (400 - i) * interval '1 day' from generate_series(1, 300) i;
insert into products select 'SKU-' || lpad(i::text, 3, '0'), '商品 ' || i, 5 + (i * 37) % 95 from generate_series(1, 60) i;
insert into orders (customer_id, status, total, created_at) select 1 + (i * 31) % 300, case when i % 20 = 0 then 'new' else 'paid' end::order_status,
  0, now() - (1200 - i) * interval '36 minutes' from generate_series(1, 1200) i;
insert into order_lines select o.id, l, 'SKU-' || lpad((1 + (o.id * 13 + l * 7) % 60)::text, 3, '0'), 1 + (o.id + l) % 3, 0
  from orders o, generate_series(1, 2) l;
update order_lines l set price = p.price from products p where p.sku = l.sku;
update orders o set total = s.total from (select order_id, sum(quantity * price) as total from order_lines group by 1) s where s.order_id = o.id;
insert into payments (order_id, amount, paid_at) select id, total, created_at + interval '1 minute' from orders where status <> 'new' order by id;
insert into visits select now() - (800 - i) * interval '54 minutes', '/p/' || i % 60, i % 300 from generate_series(1, 800) i;
insert into stock select d, 'SKU-' || lpad(s::text, 3, '0'), 100 + s from generate_series('2025-01-01'::date, '2026-11-01', '1 month') d,
  generate_series(1, 5) s;
insert into archive.orders_2019 select i, i * 3.5, 'archived ' || i from generate_series(1, 200) i;
insert into settings values ('shop', '{"name": "小店", "currency": "CNY"}'), ('limits', '{"basket": 40}');
refresh materialized view revenue;
do $$ declare t text; begin
  foreach t in array array['customers', 'products', 'orders', 'order_lines', 'payments', 'visits', 'stock', 'archive.orders_2019', 'settings', 'returns'] loop
    execute format('alter table %s owner to shop_owner', t);
  end loop;
end $$;
