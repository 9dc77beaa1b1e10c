package mariadbbackup

import (
	"context"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"lifeboat/drills/instance"
	"lifeboat/drills/restore"
)

// prepare has the machine's own mariadb-backup bring the parts together, the log of each into its files: in the data folder, on the copy. Then
// the machine's server starts.
func (j *job) prepare(ctx context.Context) error {
	stage := path.Join(j.set.Data, stageFolder)
	place := func(i int) string { return path.Join(stage, "part"+strconv.Itoa(i)) }
	base := j.chain[0].at()
	if len(j.chain) > 1 {
		base = place(0)
		var moves []string
		for _, p := range j.outer() {
			moves = append(moves, p.at(), place(slices.Index(j.chain, p)))
		}
		if err := j.tool(ctx, `while [ $# != 0 ]; do mv "$1" "$2" && shift 2 || exit; done`, moves...); err != nil {
			return err
		}
	}
	if !j.chain[0].prepared() {
		if err := j.backupTool(ctx, j.chain[0], "--prepare", "--target-dir="+base); err != nil {
			return err
		}
	}
	for i, p := range j.chain[1:] {
		if err := j.backupTool(ctx, p, "--prepare", "--target-dir="+base, "--incremental-dir="+place(i+1)); err != nil {
			return err
		}
	}
	printed, err := instance.Console(ctx, j.machine)
	if err != nil {
		return err
	}
	j.printed = len(printed)
	const into = `cd "$1" && for f in "$2"/* "$2"/.[!.]*; do if [ -e "$f" ]; then mv "$f" . || exit; fi; done && rm -rf "$3" && chown -R "$4:" . && : >"$5"`
	return j.tool(ctx, into, j.set.Data, base, stage, j.set.OSUser, goPath)
}

// backupTool runs mariadb-backup.
func (j *job) backupTool(ctx context.Context, p *part, args ...string) error {
	const choose = `for c in mariadb-backup mariabackup; do if command -v "$c" >/dev/null; then exec "$c" --no-defaults "$@"; fi; done; exit 127`
	r, err := j.machine.Exec(ctx, instance.Command{Args: append([]string{"sh", "-c", choose, "mariadb-backup"}, args...), User: "0", Dir: "/",
		Env: map[string]string{"LC_ALL": "C"}})
	if err != nil {
		return fmt.Errorf("run mariadb-backup on %s: %w", j.machine.Name(), err)
	}
	if r.Exit == 127 {
		return &restore.ImageError{Reason: "it has no mariadb-backup, which prepares the backup"}
	}
	if short := shortLog.FindString(r.Stderr); short != "" {
		return damage("the log of %s ends too early: %s", p.name(), short)
	}
	if end := endOfLog.FindStringSubmatch(r.Stderr); end != nil && r.Exit == 0 && p.endsWithRecord() {
		if at, err := strconv.ParseUint(end[1], 10, 64); err == nil && at < p.last {
			return damage("the log of %s is damaged: it can be read up to place %d, and the backup was ended at %d", p.name(), at, p.last)
		}
	}
	if r.Exit == 0 {
		return nil
	}
	said := j.words(r.Stderr)
	if err := blame(said); err != nil {
		return err
	}
	return fmt.Errorf("mariadb-backup could not prepare %s, which may be the fault of the backup, the image or the host: %s", p.name(), said)
}

// shortLog is what it says of a log that was not complete, and goes on.
var shortLog = regexp.MustCompile(`The (?:transaction )?log (?:was only applied|was applied) (?:up )?to LSN \d+, (?:instead of|however) \d+`)

// endOfLog is how far it could read a log, which of backups taken while three sessions wrote was last_lsn to the byte. It complains of one
// that ends before the last checkpoint, and of none that ends behind that.
var endOfLog = regexp.MustCompile(`InnoDB: End of log at LSN=(\d+)`)

var stamp = regexp.MustCompile(`^(\[\d+\] )?(\d{4}-\d\d-\d\d +\d+:\d\d:\d\d )?(\d+ )?`)

// words are the errors in what a program of MariaDB printed, at most three, as they stand there.
func (j *job) words(printed string) string {
	var all, last []string
	for line := range strings.Lines(printed) {
		line = stamp.ReplaceAllString(strings.TrimSpace(line), "")
		line = strings.ReplaceAll(line, path.Join(j.set.Data, stageFolder)+"/", "")
		if line == "" {
			continue
		}
		last = append(last[max(0, len(last)-1):], line)
		if _, said, ok := strings.Cut(line, "[ERROR] "); ok && len(all) < 3 {
			all = append(all, strings.TrimPrefix(said, "InnoDB: "))
		}
	}
	if len(all) == 0 {
		all = last
	}
	return strings.Join(all, " / ")
}
