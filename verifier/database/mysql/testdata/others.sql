alter sequence ticket increment 7
alter sequence ticket maxvalue 5000
alter sequence ticket nocycle
do setval(ticket, 110, false)
do setval(down, -500)
drop sequence down
alter sequence ticket cache 21
alter table log drop partition old
alter table log reorganize partition rest into (partition r2 values less than (2030), partition rest values less than maxvalue)
alter table listed reorganize partition a, b into (partition a values in (1, 2), partition b values in (3, 4, 5, null))
create table more (a int)
create view more as select 1
create sequence more
create procedure more() select 1
create event more on schedule every 1 hour do select 1
create trigger more before delete on bare for each row set @x = 1
create or replace procedure add_one(in a int, out b int, inout c varchar(20) character set latin1) comment 'adds; one' reads sql data sql security invoker set b = 2
create or replace function twice(n bigint) returns decimal(10, 2) deterministic return n * 2
set sql_mode = ''; create or replace definer = `shop owner`@`10.%` function twice(n int) returns decimal(10, 2) deterministic return n * 2
alter table customers modify status enum('new', 'a)b', 'it''s') not null default 'new'
alter table customers modify flags set('x', 'y', 'z', 'w') default 'x,y'
alter table customers modify hidden int default 7
alter table customers modify doubled decimal(14, 3) as (balance * 3) stored
alter table customers modify full_name varchar(90) as (concat(name, ' (', city, ')')) stored
alter table customers modify joined timestamp(6) not null default current_timestamp(6)
alter table customers drop key by_city, add key by_city (city(6), born)
alter table customers drop key by_name, add key by_name (name, city)
alter table `订单 lines` drop foreign key `whose (x)`, add constraint `whose (x)` foreign key (who) references customers (id) on delete cascade on update cascade
set foreign_key_checks = 0; truncate customers
truncate old
update versioned set v = 78 where id = 4
