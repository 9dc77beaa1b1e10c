#!/bin/sh
exec psql -f /backups/shop-db/undo.sql
