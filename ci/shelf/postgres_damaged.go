package main

import (
	"lifeboat/drills/objective"
	"lifeboat/internal/accident"
)

// Lines of shell that write a dump as people make them.
const (
	plain     = "pg_dump shop"
	unpacked  = "pg_dump -Fc -Z0 shop"
	tarred    = "pg_dump -Ft shop"
	directory = "rm -rf /tmp/folder && pg_dump -Fd -f /tmp/folder shop && tar -C /tmp/folder -cf - ."
	gzipped   = "pg_dump shop | gzip"
	zstd      = "pg_dump shop | zstd -q"
)

// fileOf names what a line writes.
var fileOf = map[string]string{dump: "shop.dump", plain: "shop.sql", unpacked: "shop.dump", tarred: "shop.tar", directory: "shop.tar",
	gzipped: "shop.sql.gz", zstd: "shop.sql.zst"}

// damaged is a good dump to which accidents happen.
func damaged(name, what, line string, l *label, happens ...accident.Func) item {
	return item{name: name, what: what, shape: shop, make: dumped("", line, fileOf[line], happens...), label: l}
}

// damagedDumps are dumps whose bytes are no longer what they were.
func damagedDumps() []item {
	read := at(objective.RungRead)
	stopped := at(objective.RungRead) // the load ended in the middle: it was not read to its end
	const row = "customer150@example.com"
	return []item{
		damaged("custom-cut-1", "the first hundredth of it", dump, read, accident.Share(0.01)),
		damaged("custom-cut-50", "its first half", dump, read, accident.Share(0.5)),
		damaged("custom-cut-99", "all but the last hundredth", dump, read, accident.Share(0.99)),
		damaged("custom-cut-last-block", "all but the last 512 bytes", dump, read, accident.Drop(512)),
		damaged("custom-cut-last-byte", "all but the last byte", dump, read, accident.Drop(1)),
		damaged("plain-cut-1", "the first hundredth of it", plain, read, accident.Share(0.01)),
		damaged("plain-cut-50", "its first half", plain, read, accident.Share(0.5)),
		damaged("plain-cut-99", "all but the last hundredth", plain, read, accident.Share(0.99)),
		damaged("plain-stopped-at-a-row", "pg_dump stopped between two rows and nobody saw its exit code", plain, read, accident.CutAt("\n151\t", 1, 1)),
		damaged("plain-stopped-after-data", "pg_dump stopped between the rows and the keys", plain, read,
			accident.CutAt("-- Name: customers customers_pkey", 1, 0)),
		damaged("plain-without-beginning", "the second half of it", plain, read, accident.From("CREATE TABLE public.orders")),
		damaged("tar-cut-50", "its first half", tarred, read, accident.Share(0.5)),
		damaged("tar-cut-99", "all but the last hundredth", tarred, read, accident.Share(0.99)),
		damaged("directory-cut-50", "half of the tar of a folder", directory, read, accident.Share(0.5)),
		damaged("gzip-cut-50", "its first half", gzipped, read, accident.Share(0.5)),
		damaged("gzip-cut-last-block", "all but its checksum", gzipped, read, accident.Drop(8)),
		damaged("zstd-cut-99", "all but the last hundredth", zstd, read, accident.Share(0.99)),
		damaged("custom-flip-magic", "a bit turned in its first bytes", dump, read, accident.FlipByte(2)),
		damaged("custom-flip-header", "a bit turned in the header", dump, read, accident.FlipByte(8)),
		damaged("custom-flip-contents", "a bit turned in its table of contents", dump, read, accident.Swap("TABLE DATA", "TABLE DATC", 1)),
		damaged("custom-flip-statement", "a bit turned in a statement", dump, stopped, accident.Swap("CREATE VIEW", "CREATE VHEW", 1)),
		damaged("custom-flip-data", "a bit turned in its packed rows", dump, read, accident.Flip(0.8)),
		damaged("custom-flip-trailer", "a bit turned in the last byte", dump, read, accident.FlipByte(-1)),
		damaged("custom-flip-row", "a bit turned in a row that is not packed", unpacked, content("values", profile), accident.Swap(row,
			"customerq50@example.com", 1)),
		damaged("plain-flip-statement", "a bit turned in a statement", plain, stopped, accident.Swap("CREATE TABLE", "CRE\x01TE TABLE", 1)),
		damaged("gzip-flip", "a bit turned in the middle", gzipped, read, accident.Flip(0.5)),
		damaged("zstd-flip", "a bit turned in the middle", zstd, read, accident.Flip(0.5)),
		damaged("tar-flip-header", "a bit turned in a name in the tar", tarred, read, accident.FlipTarHeader),
		damaged("custom-zeros", "a twentieth of it is zeros", dump, read, accident.Zero(0.7, 0.75)),
		damaged("custom-zeros-at-the-end", "its last tenth is zeros", dump, read, accident.Zero(0.9, 1)),
		damaged("plain-zeros", "a hundredth of it is zeros", plain, read, accident.Zero(0.6, 0.61)),
		damaged("directory-lost-file", "a table's file is missing", directory, read, accident.InTar(accident.Without(".dat.gz"))),
		damaged("directory-empty-file", "a table's file is empty", directory, read, accident.InTar(accident.LargestData(accident.Be("")))),
		damaged("directory-lost-contents", "its table of contents is missing", directory, read, accident.InTar(accident.Without("toc.dat"))),
		damaged("directory-cut-rows", "a table's file holds half of its rows, well packed", directory, read,
			accident.InTar(accident.LargestData(accident.Repacked(accident.Share(0.5))))),
		damaged("directory-lost-blob", "the file of a large object is missing", directory, read, accident.InTar(accident.Without("blob_70001"))),
		{name: "directory-mixed", what: "one table's file is another night's: rows without their parents", shape: shop,
			make: mixed("delete from order_lines where order_id > 600; delete from payments where order_id > 600; delete from orders where id > 600;",
				"600\t"), label: stopped},
		{name: "directory-mixed-unseen", what: "one table's file is another night's, and fits", shape: shop,
			make: mixed("update customers set balance = balance + 1 where id = 7;", row), label: content("values", profile)},
	}
}
