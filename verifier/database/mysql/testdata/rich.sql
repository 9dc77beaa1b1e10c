-- A database of everything that a dump of MariaDB holds: what a profile must tell apart.
create table customers (
  id int unsigned not null auto_increment, name varchar(50) not null comment 'it''s; a "name"', city varchar(30) character set latin1 default 'Zürich',
  note text default null, born date default '1970-01-01', joined timestamp(6) not null default current_timestamp(6) on update current_timestamp(6),
  status enum('new', 'it''s', 'a)b') not null default 'new', flags set('x', 'y', 'z') default 'x,y', score double default 0.1, part float default null,
  balance decimal(12, 3) not null default 0.000, photo mediumblob, bits bit(9) default b'101', at datetime(3) default null, clock time(2) default null,
  y year default null, doc json default null, ip inet6 default null, uid uuid default null, place point default null,
  full_name varchar(90) generated always as (concat(name, ' (', city, ')')) virtual, doubled decimal(14, 3) as (balance * 2) stored,
  hidden int invisible default 7, code char(4) character set ascii collate ascii_bin default null, zf int(6) unsigned zerofill default null,
  primary key (id), unique key by_name (name, city), key by_city (city(5), born), fulltext key words (note), constraint positive check (balance >= 0 and status <> 'x,)'),
  key by_full (full_name)
) engine=InnoDB auto_increment=500 comment='people, with ''quotes'' (and more)' row_format=compressed;
insert into customers (name, city, note, born, status, flags, score, part, balance, photo, bits, at, clock, y, doc, ip, uid, place, code, zf)
  select concat('c', seq, if(seq % 3, '', ' 北京')), elt(1 + seq % 3, 'Zürich', 'Genève', null), if(seq % 4, repeat(concat('长 text "\\ ', seq, '\n'), seq), null), '2000-01-01' + interval seq day,
  1 + seq % 3, seq % 8, elt(1 + seq % 4, -0.0, 1e-300, 0.1 + seq, -3.5e300), seq / 7, seq * 1.505, unhex(sha2(seq, 512)), seq % 512, '2026-01-01' + interval seq * 1001 second_microsecond, sec_to_time(seq * 61.25),
  1990 + seq % 50, json_object('k', seq, 'v', concat('"', seq)), concat('2001:db8::', hex(seq)), concat('123e4567-e89b-12d3-a456-', lpad(hex(seq), 12, '0')), point(seq, -seq), concat('k', seq % 100), seq * 11
  from seq_1_to_60;
create table `订单 lines` (`order` int not null, `n``o` smallint not null, amount decimal(10, 2) not null default 1.50, at timestamp not null default '2026-01-01 00:00:00', who int unsigned,
  primary key (`order`, `n``o`), key (who), constraint `whose (x)` foreign key (who) references customers (id) on delete set null on update cascade) engine=InnoDB;
insert into `订单 lines` select seq div 3, seq, seq * 0.25, '2026-01-02' + interval seq minute, 500 + seq % 50 from seq_1_to_100;
create table log (id bigint not null auto_increment, at date not null, what varchar(200), primary key (id, at)) engine=InnoDB
  partition by range (year(at)) subpartition by hash (id) subpartitions 2 (partition old values less than (2025), partition `new` values less than (2027), partition rest values less than maxvalue);
insert into log (at, what) select '2024-06-01' + interval seq * 20 day, concat('event ', seq % 7) from seq_1_to_60;
create table listed (k int, v int) engine=InnoDB partition by list (k) (partition a values in (1, 2, 3), partition b values in (4, 5, null));
insert into listed select if(seq % 6 = 0, null, seq % 6), seq from seq_1_to_30;
create table old (a int, b varchar(20), key (a)) engine=MyISAM; insert into old select seq, concat('row ', seq) from seq_1_to_40;
create table crash (a int, b text) engine=Aria transactional=1; insert into crash select seq, repeat('y', seq) from seq_1_to_20;
create table bare (a int, b varchar(9)); insert into bare select seq % 5, 'same' from seq_1_to_30;
create table empty (id int auto_increment primary key, v int);
create table versioned (id int primary key, v int, since timestamp(6) generated always as row start, until timestamp(6) generated always as row end, period for system_time (since, until))
  with system versioning; insert into versioned (id, v) select seq, seq from seq_1_to_10; update versioned set v = 77 where id = 3;
create table rented (room int, from_day date, to_day date, period for stay (from_day, to_day), unique key apart (room, stay without overlaps));
insert into rented values (1, '2026-01-01', '2026-01-05'), (1, '2026-01-05', '2026-01-09');
create table sets (a varchar(20) character set utf8mb3 collate utf8mb3_bin, b varchar(20) character set ucs2, c text character set gbk, d varchar(10) collate utf8mb4_unicode_ci) default charset=latin2;
insert into sets values ('ä', 'ö', '中', 'é'), (null, '', 'x', 'E ');
create sequence ticket start with 100 increment by 5 minvalue 10 maxvalue 100000 cache 20 cycle; select nextval(ticket);
create sequence down start with -1 increment by -1 minvalue -1000 maxvalue -1;
create view v_customers as select c.id, c.name, case c.status when 'new' then 1 else 2 end as s, date_format(c.joined, '%Y') as y from customers c where c.balance > 1 and c.city in ('Zürich', 'x');
create algorithm=merge definer=`shop owner`@`10.%` sql security invoker view v_lines as select `order`, sum(amount) as `sum (of)` from `订单 lines` group by `order` having count(*) > 1;
create view v_both as select v.id, l.amount from v_customers v left join `订单 lines` l on l.who = v.id where v.s = 1;
create view v_checked as select id, a from (select 1 as id) x join old where a > 1;
create view v_bound as select room, from_day from rented where room > 0 with local check option;
create view v_old as select * from old union all select id, name from customers limit 5;
delimiter ;;
create trigger log_new after insert on customers for each row begin
  -- a comment inside
  insert into log (at, what) values ('2026-02-01', concat('new; ', new.name)); /* and another */ end;;
create definer=`shop owner`@`10.%` trigger first before update on customers for each row set new.hidden = old.hidden + 1;;
create trigger second before update on customers for each row follows first set new.hidden = new.hidden * 2;;
create procedure add_one(in a int, out b int, inout c varchar(20) character set latin1) comment 'adds; one' reads sql data sql security invoker
begin
  # comment of a shell
  declare x int default 1; -- counts
  if a > 0 then set b = a + x; end if;
  select count(*) into b from customers where name = 'O''Neil';
end;;
create definer=`shop owner`@`10.%` function twice(n int) returns decimal(10, 2) deterministic return n * 2;;
set sql_mode = 'ANSI_QUOTES,PIPES_AS_CONCAT';;
create function joined(a text, b text) returns text charset utf8mb4 deterministic no sql return a || ' "' || b;;
set sql_mode = default;;
create event nightly on schedule every 1 day starts '2020-01-01 03:00:00' on completion preserve disable comment 'cleans; up' do delete from log where at < '2000-01-01';;
create event hourly on schedule every '1:30' hour_minute starts '2020-01-01 03:00:00' ends '2037-01-01 00:00:00' do begin delete from bare where a = 99; end;;
set sql_mode = oracle;;
create package pack as function one return int; end;;
create package body pack as function one return int as begin return 1; end; end;;
set sql_mode = default;;
delimiter ;
