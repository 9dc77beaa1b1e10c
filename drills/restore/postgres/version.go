package postgres

import (
	"context"
	"fmt"
	"regexp"
	"strconv"

	"lifeboat/drills/instance"
	"lifeboat/drills/restore"
	"lifeboat/drills/restore/postgres/pgdump"
)

// major is the first number of a version; 0: it cannot be read.
func major(version string) int {
	var n int
	_, _ = fmt.Sscanf(version, "%d", &n)
	return n
}

// newer compares the major versions of two servers. What cannot be read is not newer.
func newer(dumped, here string) bool { return major(here) > 0 && major(dumped) > major(here) }

// noteVersion says before the load that the server is older than the one that was dumped. Most such dumps load.
func (l *load) noteVersion(dumped string) {
	if newer(dumped, l.server.version) {
		l.noteOnce("dumped from PostgreSQL %s, and this server is %s: what came between them cannot be restored here", dumped,
			l.server.version)
	}
}

// older blames what a server does not know on its age, where it is older than the one that was dumped.
func (l *load) older(dumped, what string) error {
	return &restore.ImageError{Backup: l.source.Backup, Reason: fmt.Sprintf("it was dumped from PostgreSQL %s and this server "+
		"is %s: take an image of PostgreSQL %d or later (%s)", dumped, l.server.version, major(dumped), what)}
}

var inPath = regexp.MustCompile(`/postgresql/(\d+)/bin(?::|$)`)

// serverOf is the major version of an image's server: images of PostgreSQL say it, and Debian's have it in their path.
// "": it is not told.
func serverOf(env map[string]string) string {
	if major(env["PG_MAJOR"]) > 0 {
		return env["PG_MAJOR"]
	}
	if m := inPath.FindStringSubmatch(env["PATH"]); m != nil {
		return m[1]
	}
	return ""
}

// outdated says before anything boots that the image's server, of a major version, is too old for a dump.
func (l *Loader) outdated(backup string, dump about, here string) error {
	const product = "PostgreSQL "
	need := clients[dump.minor]
	switch {
	case newer(dump.server, here):
		return &restore.MisfitError{Backup: backup, What: restore.MisfitServer, Has: product + dump.server, Wants: product + here}
	case need > major(here) && l.set.Programs == "":
		return &restore.MisfitError{Backup: backup, What: restore.MisfitArchive, Has: product + strconv.Itoa(need),
			Wants: product + here}
	}
	return nil
}

// clients are the versions of pg_restore that came with a version of the archives: 1.15 with 16, 1.16 with 17.
var clients = map[int]int{15: 16, 16: 17}

var clientVersion = regexp.MustCompile(`\) (\d+)`)

// readable asks for the version of pg_restore where the archive is newer than what every supported one reads.
func (l *load) readable(ctx context.Context, a *pgdump.Archive) error {
	need := clients[a.Minor]
	if need == 0 {
		return nil
	}
	r, err := l.machine.Exec(ctx, instance.Command{Args: []string{l.program("pg_restore"), "--version"}, User: nobody, Dir: "/"})
	if err != nil {
		return fmt.Errorf("run pg_restore on %s: %w", l.machine.Name(), err)
	}
	m := clientVersion.FindStringSubmatch(r.Stdout)
	if m == nil {
		return nil // whatever it is, the load says more
	}
	if here, _ := strconv.Atoi(m[1]); here < need {
		return &restore.ImageError{Backup: l.source.Backup, Reason: fmt.Sprintf("the archive's format is 1.%d, which pg_restore "+
			"reads from version %d on, and the image has version %d: take an image of PostgreSQL %d or later, or name the "+
			"folder of a newer client in it (restore.programs)", a.Minor, need, here, need)}
	}
	return nil
}
