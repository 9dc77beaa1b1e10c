select concat('drop index ', q(index_name), ' on ', q(table_name)) s from information_schema.statistics where table_schema = database() and index_name <> 'PRIMARY'
union select concat('alter table ', q(table_name), ' drop primary key') from information_schema.statistics where table_schema = database() and index_name = 'PRIMARY'
union select concat('alter table ', q(table_name), ' alter index ', q(index_name), ' ignored') from information_schema.statistics where table_schema = database() and index_name <> 'PRIMARY'
union select concat('alter table ', q(table_name), ' drop constraint ', q(constraint_name)) from information_schema.table_constraints where table_schema = database()
and constraint_type in ('CHECK', 'FOREIGN KEY')
union select concat('alter table ', q(table_name), ' alter ', q(column_name), ' drop default') from information_schema.columns c where table_schema = database() and column_default is not null
union select concat('alter table ', q(table_name), ' alter ', q(column_name), ' set default null') from information_schema.columns where table_schema = database() and column_default <> 'NULL' and is_nullable = 'YES'
union select concat('alter table ', q(table_name), ' modify ', q(column_name), ' ', column_type, if(is_nullable = 'YES', ' not null', ' null')) from information_schema.columns
where table_schema = database() and is_generated = 'NEVER'
union select concat('alter table ', q(table_name), ' modify ', q(column_name), ' ', column_type, ' collate utf8mb4_bin') from information_schema.columns
where table_schema = database() and collation_name = 'utf8mb4_general_ci' and is_generated = 'NEVER'
union select concat('alter table ', q(table_name), ' modify ', q(column_name), ' ', column_type, ' character set utf8mb4') from information_schema.columns
where table_schema = database() and character_set_name in ('latin1', 'ucs2', 'gbk', 'utf8mb3')
union select concat('alter table ', q(table_name), ' modify ', q(column_name), ' bigint unsigned') from information_schema.columns where table_schema = database() and data_type = 'int'
union select concat('alter table ', q(table_name), ' modify ', q(column_name), ' ', column_type, ' first') from information_schema.columns where table_schema = database() and ordinal_position > 2
and is_generated = 'NEVER'
union select concat('alter table ', q(table_name), ' modify ', q(column_name), ' ', column_type, ' comment ''other''') from information_schema.columns where table_schema = database()
and is_generated = 'NEVER'
union select concat('alter table ', q(table_name), ' rename column ', q(column_name), ' to other') from information_schema.columns where table_schema = database()
union select concat('alter table ', q(table_name), ' drop column ', q(column_name)) from information_schema.columns where table_schema = database()
union select concat(x, q(table_name), y) from information_schema.tables join (select 'alter table ' x, ' add more int' y union select 'drop table ', '' union select 'alter table ', ' comment ''other'''
union select 'alter table ', ' engine = Aria' union select 'alter table ', ' row_format = redundant' union select 'alter table ', ' default charset = latin5'
union select 'alter table ', ' auto_increment = 4711' union select 'alter table ', ' add index more ((1))' union select 'alter table ', ' remove partitioning'
union select 'alter table ', ' add constraint more check (1)' union select 'alter table ', ' drop system versioning' union select 'rename table ', ' to renamed'
union select 'alter table ', ' key_block_size = 4' union select 'alter table ', ' drop period for stay') o where table_schema = database() and table_type in ('BASE TABLE', 'SYSTEM VERSIONED')
union select concat('drop view ', q(table_name)) from information_schema.views where table_schema = database()
union select concat('alter sql security ', if(security_type = 'DEFINER', 'invoker', 'definer'), ' view ', q(table_name), ' as ', view_definition) from information_schema.views where table_schema = database()
union select concat('alter definer = nobody@x view ', q(table_name), ' as ', view_definition) from information_schema.views where table_schema = database()
union select concat('alter view ', q(table_name), ' as ', replace(view_definition, '1', '0')) from information_schema.views where table_schema = database()
union select concat('drop trigger ', q(trigger_name)) from information_schema.triggers where trigger_schema = database()
union select concat('create or replace definer = nobody@x trigger ', q(trigger_name), ' ', action_timing, ' ', event_manipulation, ' on ', q(event_object_table), ' for each row ', action_statement)
from information_schema.triggers where trigger_schema = database()
union select concat('create or replace trigger ', q(trigger_name), ' ', if(action_timing = 'AFTER', 'before ', 'after '), event_manipulation, ' on ', q(event_object_table), ' for each row set @x = 1')
from information_schema.triggers where trigger_schema = database()
union select concat('drop ', routine_type, ' ', q(routine_name)) from information_schema.routines where routine_schema = database()
union select concat('alter ', routine_type, ' ', q(routine_name), ' ', x) from information_schema.routines join (select 'comment ''other''' x union select 'sql security invoker'
union select 'modifies sql data') o where routine_schema = database() and routine_type in ('PROCEDURE', 'FUNCTION')
union select concat('drop event ', q(event_name)) from information_schema.events where event_schema = database()
union select concat('alter event ', q(event_name), ' ', x) from information_schema.events join (select 'enable' x union select 'disable' union select 'on schedule every 2 day'
union select 'comment ''other''' union select 'on completion preserve' union select 'do select 1' union select 'rename to other') o where event_schema = database()
