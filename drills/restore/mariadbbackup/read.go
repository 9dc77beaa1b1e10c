package mariadbbackup

import (
	"context"
	"path"
	"slices"
	"strconv"
	"strings"

	"lifeboat/drills/restore"
	"lifeboat/drills/restore/dump"
)

var (
	_ restore.Loader = (*Loader)(nil)
	_ restore.Reader = (*Loader)(nil)
	_ restore.Looker = (*Loader)(nil)
)

// reading is one backup as it is read, and perhaps put into a machine.
type reading struct {
	restore.Told
	source restore.Source
	trees  []*tree
	put    *putting // nil: it is only read
	buf    []byte
	chain  []*part
}

// tree begins what lies in a folder, a tar or a stream.
func (r *reading) tree(name string) *tree {
	t := &tree{name: name, files: map[string]*file{}, folders: map[string]bool{}}
	if r.put != nil {
		t.stage = path.Join(r.put.stage, "tree"+strconv.Itoa(len(r.trees)))
	}
	r.trees = append(r.trees, t)
	return t
}

// Look tells by the first bytes what is there instead of a backup.
func (l *Loader) Look(ctx context.Context, s restore.Source) error {
	if s.Point.Dir {
		return nil
	}
	return dump.Look(ctx, s, func(in *dump.Input) error {
		head, found, err := in.Detect()
		if err != nil {
			return err
		}
		return isBackup(head, found)
	})
}

// Read verifies what shows without a server: the chain, every file and the pages whose checksums are known.
func (l *Loader) Read(ctx context.Context, s restore.Source) (restore.Outcome, error) {
	r := &reading{source: s}
	out, err := r.read(ctx)
	if err != nil {
		return restore.Outcome{Made: out.Made}, dump.Classify(s.Backup, err)
	}
	out.Told = r.Told
	return out, nil
}

// read goes through the backup and judges it.
func (r *reading) read(ctx context.Context) (restore.Outcome, error) {
	r.buf = make([]byte, dump.PieceSize)
	digest, n, err := dump.Through(ctx, r.source, r.walk)
	out := restore.Outcome{Digest: digest, Bytes: n}
	if err != nil {
		return out, err
	}
	all, err := r.parts()
	if err != nil {
		return out, err
	}
	for _, p := range all {
		if err := p.whole(); err != nil {
			return out, err
		}
	}
	var left []*part
	if r.chain, left, err = chain(all); err != nil {
		return out, err
	}
	for _, p := range all {
		if err := p.ownPages(); err != nil {
			return out, err
		}
	}
	out.Made = r.newest().began()
	for _, p := range left {
		r.Note("%s is not needed: what it holds is in a later increment, too", p.name())
	}
	r.tell()
	return out, r.product()
}

func (r *reading) newest() *part { return r.chain[len(r.chain)-1] }

// tell says what the backup is, and what does not show here.
func (r *reading) tell() {
	p := r.newest()
	if len(r.chain) > 1 {
		r.Note("a full backup with its increments, by their places in the log: %s", told(r.chain))
	}
	if at, ok := p.text("binlog_info"); ok && strings.TrimSpace(at) != "" {
		r.Note("it is as of this position of the server that was backed up: %s", strings.Join(strings.Fields(at), " "))
	}
	if r.chain[0].prepared() {
		r.Note("it was prepared when it was taken: whether a server wrote into it since does not show")
	}
	var unsaid, other int64
	for _, p := range r.chain {
		for _, f := range p.files {
			if f.pages != nil && f.pages.other {
				other++
			} else if f.pages != nil {
				unsaid += f.pages.unsaid
			}
		}
	}
	if unsaid > 0 {
		r.Note("%d pages have checksums of another kind than full_crc32 and crc32: they were not verified before the server started", unsaid)
	}
	if other > 0 {
		r.Note("%d tablespaces have compressed pages: their checksums were not verified before the server started", other)
	}
}

// product tells whose backup it is: MySQL's own data folders are none of MariaDB's.
func (r *reading) product() error {
	p := r.newest()
	if v := p.info["server_version"]; v != "" && !strings.Contains(v, "MariaDB") {
		return &restore.MisfitError{What: restore.MisfitData, Has: "MySQL " + v, Wants: "MariaDB"}
	}
	return nil
}

// version of the server that was backed up, such as 10.11.6-MariaDB; "": it does not say.
func (r *reading) version() string {
	p := r.newest()
	for _, key := range []string{"server_version", "tool_version"} {
		if p.info[key] != "" {
			return p.info[key]
		}
	}
	return ""
}

// tables are those whose definitions the newest part holds, as paths without .frm.
func (r *reading) tables() map[string]bool {
	all := map[string]bool{}
	for name := range r.newest().files {
		if table, ok := strings.CutSuffix(name, ".frm"); ok && strings.Count(table, "/") == 1 {
			all[table] = true
		}
	}
	return all
}

// outer are the trees' parts, those in others' folders first.
func (r *reading) outer() []*part {
	all := slices.Clone(r.chain)
	slices.SortStableFunc(all, func(a, b *part) int {
		return strings.Count(b.root, "/") - strings.Count(a.root, "/") + len(b.root) - len(a.root)
	})
	return all
}
