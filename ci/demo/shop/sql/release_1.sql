-- Release 1: the shop's first schema. Run by shop_owner in a database of its own; the roles shop_app and
-- shop_report exist already, as a dump of one database can name roles but never carries them.
create table schema_release (release int primary key, applied timestamptz not null default now());

create table customers (
  id            bigint generated always as identity primary key,
  name          text not null unique,
  email         text not null,
  password_hash bytea not null,
  password_salt bytea not null,
  opening_cents bigint not null check (opening_cents >= 0),
  balance_cents bigint not null check (balance_cents >= 0),
  created_at    timestamptz not null default now()
);
create index customers_email on customers (lower(email));

create table products (
  id            bigint generated always as identity primary key,
  sku           text not null unique,
  name          text not null,
  shelf         text not null,
  price_cents   bigint not null check (price_cents > 0),
  opening_stock bigint not null,
  stock         bigint not null constraint products_in_stock check (stock >= 0)
);
create index products_shelf on products (shelf, id);

-- The number that people see on the invoice: a sequence of its own, it has to go on after a restore.
create sequence order_numbers start 100001;

create table orders (
  id          bigint generated always as identity primary key,
  number      bigint not null unique default nextval('order_numbers'),
  customer_id bigint not null references customers,
  request_key text not null,
  status      text not null default 'open' check (status in ('open', 'paid')),
  total_cents bigint not null check (total_cents >= 0),
  created_at  timestamptz not null default now(),
  unique (customer_id, request_key)
);
alter sequence order_numbers owned by orders.number;
create index orders_customer on orders (customer_id, created_at desc);
create index orders_open on orders (created_at) where status = 'open';

create table order_lines (
  order_id    bigint not null references orders on delete cascade,
  product_id  bigint not null references products,
  quantity    int not null check (quantity > 0),
  price_cents bigint not null,
  primary key (order_id, product_id)
);
create index order_lines_product on order_lines (product_id);

create table payments (
  id           bigint generated always as identity primary key,
  order_id     bigint not null unique references orders,
  amount_cents bigint not null check (amount_cents >= 0),
  paid_at      timestamptz not null default now()
);

create table sessions (
  token_hash  bytea primary key,
  customer_id bigint not null references customers,
  expires_at  timestamptz not null
);
create index sessions_expires on sessions (expires_at);
alter table sessions enable row level security;
create policy sessions_of_the_application on sessions to shop_app using (true) with check (true);

create function take_stock() returns trigger language plpgsql as $$
begin
  update products set stock = stock - new.quantity where id = new.product_id;
  return null;
end $$;
create trigger order_lines_take_stock after insert on order_lines for each row execute function take_stock();

create view order_history as
  select o.id, o.number, o.customer_id, c.name as customer, o.status, o.total_cents, o.created_at, p.paid_at
  from orders o join customers c on c.id = o.customer_id left join payments p on p.order_id = o.id;

-- books says whether money and stock add up: one row, every column is 0 in a sound shop.
create view books as
  select
    (select coalesce(sum(amount_cents), 0) from payments)
      - (select coalesce(sum(total_cents), 0) from orders where status = 'paid') as payments_gap,
    (select coalesce(sum(opening_cents - balance_cents), 0) from customers)
      - (select coalesce(sum(amount_cents), 0) from payments) as balances_gap,
    (select coalesce(sum(total_cents), 0) from orders)
      - (select coalesce(sum(quantity * price_cents), 0) from order_lines) as totals_gap,
    (select coalesce(sum(abs(p.opening_stock - coalesce(s.sold, 0) - p.stock)), 0)
      from products p left join (select product_id, sum(quantity) as sold from order_lines group by 1) s
        on s.product_id = p.id) as stock_gap;

grant select on schema_release, customers, products, order_history, books to shop_app;
grant update (balance_cents) on customers to shop_app;
grant update (stock) on products to shop_app;
grant select, insert, update on orders to shop_app;
grant select, insert on order_lines, payments to shop_app;
grant select, insert, delete on sessions to shop_app;
grant usage on sequence order_numbers to shop_app;
grant select on order_history, books to shop_report;

insert into schema_release (release) values (1);
