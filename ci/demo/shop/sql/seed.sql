-- Fills an empty shop of release 1. The same amounts each time; only the dates hang on today, so that a fresh backup
-- looks fresh. {{orders}} is their number, two minutes apart, the last one now. The trigger is off for the
-- bulk, and the stock is brought down by the sums afterwards: the books must add up without it as well.
alter table order_lines disable trigger order_lines_take_stock;

insert into products (sku, name, shelf, price_cents, opening_stock, stock)
select 'SKU-' || lpad(i::text, 4, '0'), 'Article ' || i, case when i <= 40 then 'main' else 'store room' end,
  500 + (i * 7919) % 9500, 1000000, 1000000
from generate_series(1, 200) i order by i;

-- The tables are empty, so the orders' ids will be 1, 2, 3 and so on.
create temporary table wanted on commit drop as
select i as order_id, p.id as product_id, 1 + (i + l) % 3 as quantity, p.price_cents
from generate_series(1, {{orders}}) i cross join generate_series(0, 2) l
  join products p on p.id = 1 + (i * 13 + l * 67) % 200
where l <= i % 3;

insert into orders (customer_id, request_key, status, total_cents, created_at)
select 1 + (i * 31) % {{customers}}, 'seed-' || i, case when i % 50 = 0 then 'open' else 'paid' end, s.total,
  now() - ({{orders}} - i) * interval '2 minutes'
from generate_series(1, {{orders}}) i
join (select order_id, sum(quantity * price_cents) as total from wanted group by 1) s on s.order_id = i order by i;

insert into order_lines (order_id, product_id, quantity, price_cents)
select order_id, product_id, quantity, price_cents from wanted order by order_id, product_id;

insert into payments (order_id, amount_cents, paid_at)
select id, total_cents, created_at + interval '40 seconds' from orders where status = 'paid' order by id;

update products p set stock = opening_stock - s.sold
from (select product_id, sum(quantity) as sold from order_lines group by 1) s where s.product_id = p.id;

update customers c set balance_cents = opening_cents - s.paid
from (select o.customer_id, sum(p.amount_cents) as paid from payments p join orders o on o.id = p.order_id group by 1) s
where s.customer_id = c.id;

alter table order_lines enable trigger order_lines_take_stock;
