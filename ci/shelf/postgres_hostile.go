package main

import (
	"lifeboat/drills/objective"
	"lifeboat/internal/accident"
)

// hostileDumps are made to harm whoever restores them.
func hostileDumps() []item {
	read := at(objective.RungRead)
	sql := func(name, what, text string, l *label) item {
		return damaged(name, what, plain, l, accident.Swap("CREATE VIEW public.order_history", text+"\nCREATE VIEW public.order_history", 1))
	}
	return []item{
		sql("shell", "psql is to run a program", `\! touch /tmp/harm`, read),
		sql("copy-from-program", "the server is to run a program", "COPY public.returns FROM PROGRAM 'id';", read),
		sql("copy-to-file", "the server is to write a file", "COPY public.customers TO '/tmp/harm';", read),
		sql("include", "psql is to read a file", `\i /etc/passwd`, read),
		damaged("tar-climbs-out", "a name in the tar leads out of it", tarred, read, accident.InTar(accident.With("../harm", "x"))),
		damaged("directory-absolute-name", "a name in the tar is absolute", directory, read, accident.InTar(accident.With("/etc/harm", "x"))),
		damaged("bomb-gzip", "66 MiB of comments in 70 kB", plain, read, accident.Comments, accident.Gzip),
		damaged("bomb-zstd", "66 MiB of comments in 10 kB", plain, read, accident.Comments, accident.Zstd),
	}
}
