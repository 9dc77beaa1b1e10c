package mariadbbackup

import (
	"bufio"
	"cmp"
	"fmt"
	"path"
	"regexp"
	"strconv"
	"strings"

	"lifeboat/drills/record"
	"lifeboat/drills/restore"
	"lifeboat/drills/restore/mariadbbackup/innodb"
)

// part is one backup of a chain: a full one or an increment.
type part struct {
	tree  *tree
	root  string           // its folder in the tree
	files map[string]*file // by their paths in it
	info  map[string]string
	conf  map[string]string

	kind     string // backup_type
	from, to uint64 // places in the log: what changed between them is in it
	last     uint64 // up to where it has the log itself
	nested   []string
}

// Kinds of parts, as xtrabackup_checkpoints has them.
const (
	fullKind      = "full-backuped"
	incrementKind = "incremental"
)

func (p *part) full() bool     { return p.from == 0 && p.kind != incrementKind }
func (p *part) prepared() bool { return p.kind != fullKind && p.kind != incrementKind }

// name says which one it is.
func (p *part) name() string {
	name := strings.Trim(p.tree.name+"/"+p.root, "/")
	switch {
	case name != "":
		return name
	case p.full():
		return "the full backup"
	}
	return "the increment"
}

// at is where it lies in the machine.
func (p *part) at() string { return p.tree.at(p.root) }

// text of a small file; "" where it is not there.
func (p *part) text(name string) (text string, ok bool) {
	for _, prefix := range []string{"xtrabackup_", "mariadb_backup_", ""} {
		if f := p.files[prefix+name]; f != nil && f.text != nil {
			return f.text.String(), true
		}
	}
	return "", false
}

// parts finds the backups in all that was read.
func (r *reading) parts() ([]*part, error) {
	var all []*part
	for _, t := range r.trees {
		var roots []string
		for name := range t.files {
			if m := textFiles.FindStringSubmatch(path.Base(name)); m != nil && m[1] == "checkpoints" {
				roots = append(roots, strings.TrimSuffix(path.Dir(name)+"/", "./"))
			}
		}
		of := map[string]*part{}
		for _, root := range roots {
			of[root] = &part{tree: t, root: strings.TrimSuffix(root, "/"), files: map[string]*file{}}
		}
		for _, name := range keys(t.files) {
			root, ok := rootOf(name, roots)
			if !ok {
				if base := path.Base(name); base == "ibdata1" || base == "ib_logfile0" || base == "ibdata1.delta" {
					return nil, damage("xtrabackup_checkpoints is missing in %s: the backup was not ended, or that file was lost",
						cmp.Or(strings.Trim(t.name+"/"+path.Dir(name), "/."), "the backup"))
				}
				continue
			}
			of[root].files[strings.TrimPrefix(name, root)] = t.files[name]
		}
		for _, root := range keys(of) {
			for _, other := range roots {
				if other != root && strings.HasPrefix(other, root) {
					of[root].nested = append(of[root].nested, other)
				}
			}
			all = append(all, of[root])
		}
	}
	if len(all) == 0 {
		return nil, damage("it holds no backup of mariadb-backup: no xtrabackup_checkpoints and no file of a server is in it")
	}
	for _, p := range all {
		if err := p.read(); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// rootOf is the innermost folder of a backup that a file lies in.
func rootOf(name string, roots []string) (root string, ok bool) {
	for _, r := range roots {
		if strings.HasPrefix(name, r) && (!ok || len(r) > len(root)) {
			root, ok = r, true
		}
	}
	return root, ok
}

var lineOf = regexp.MustCompile(`^([a-zA-Z_]+)\s*=\s*(.*?)\s*$`)

func values(text string) map[string]string {
	all := map[string]string{}
	for in := bufio.NewScanner(strings.NewReader(text)); in.Scan(); {
		if m := lineOf.FindStringSubmatch(in.Text()); m != nil {
			all[m[1]] = m[2]
		}
	}
	return all
}

// read what the part says of itself.
func (p *part) read() error {
	text, _ := p.text("checkpoints")
	said := values(text)
	p.kind = said["backup_type"]
	for key, to := range map[string]*uint64{"from_lsn": &p.from, "to_lsn": &p.to, "last_lsn": &p.last} {
		n, err := strconv.ParseUint(said[key], 10, 64)
		if err != nil {
			return damage("xtrabackup_checkpoints of %s is cut off or damaged: it does not say %s", p.name(), key)
		}
		*to = n
	}
	if p.kind == "" || p.to < p.from {
		return damage("xtrabackup_checkpoints of %s contradicts itself: %s from %d to %d", p.name(), p.kind, p.from, p.to)
	}
	info, _ := p.text("info")
	p.info = values(info)
	conf, ok := p.text("backup-my.cnf")
	if p.conf = values(conf); !ok {
		return damage("backup-my.cnf of %s is missing, which says how its files are to be read", p.name())
	}
	for key, is := range map[string]uint64{"innodb_from_lsn": p.from, "innodb_to_lsn": p.to} {
		if n, err := strconv.ParseUint(p.info[key], 10, 64); err == nil && n != is && !p.prepared() {
			return damage("xtrabackup_checkpoints and xtrabackup_info of %s are of two backups: %s is %d in one and %d in the other", p.name(),
				strings.TrimPrefix(key, "innodb_"), is, n)
		}
	}
	return nil
}

// began is when it was begun, by the clock of its server.
func (p *part) began() string { return p.info["start_time"] }

// whole judges its files by themselves.
func (p *part) whole() error {
	switch {
	case p.info["partial"] == "Y":
		return lacks(record.LackWhole, "%s holds only some of the databases or tables (partial = Y): no server starts from that alone", p.name())
	case p.info["compressed"] != "" && p.info["compressed"] != "N", p.has(".qp"):
		return lacks(record.LackCompressed, "the files of %s are compressed one by one (mariadb-backup --compress)", p.name())
	case p.has(".xbcrypt"):
		return lacks(record.LackCompressed, "the files of %s are encrypted one by one (xbcrypt)", p.name())
	}
	system := "ibdata1"
	if p.kind == incrementKind {
		system = "ibdata1.delta"
	}
	if p.files[system] == nil {
		return damage("%s of %s is missing, without which no server starts", system, p.name())
	}
	if err := p.log(); err != nil {
		return err
	}
	for _, name := range keys(p.files) {
		f := p.files[name]
		if f.pages != nil {
			if err := f.pages.wrong(strings.Trim(path.Join(p.tree.name, p.root, name), "/"), f.size); err != nil {
				return err
			}
		}
		if rest, ok := strings.CutSuffix(name, ".meta"); ok && p.kind == incrementKind && p.files[rest+".delta"] == nil {
			return damage("%s of %s is missing: the pages that changed in it since the backup before are lost", rest+".delta", p.name())
		}
		if rest, ok := strings.CutSuffix(name, ".delta"); ok {
			if err := p.delta(name, p.files[rest+".meta"], f); err != nil {
				return err
			}
		}
	}
	return nil
}

func (p *part) has(suffix string) bool {
	for name := range p.files {
		if strings.HasSuffix(name, suffix) {
			return true
		}
	}
	return false
}

// log judges ib_logfile0: what was written while the backup was taken.
func (p *part) log() error {
	f := p.files["ib_logfile0"]
	if f == nil && p.prepared() {
		return nil
	}
	if f == nil {
		return damage("ib_logfile0 of %s is missing: what was written while it was taken cannot be brought in", p.name())
	}
	begins, ok := innodb.LogStart(f.head)
	if !ok || p.prepared() {
		return nil // of another version: its server says
	}
	if begins > p.to { // a log is copied from the last checkpoint on that there was when the backup was begun
		return damage("ib_logfile0 of %s is of a later backup: it begins at place %d, and %s ends at %d", p.name(), begins, p.name(), p.last)
	}
	if want := int64(p.last-begins) + innodb.LogHeader; f.size < want {
		return damage("ib_logfile0 of %s is cut off: it has %d bytes, and must have %d", p.name(), f.size, want)
	}
	return nil
}

// endsWithRecord tells whether its log was copied record by record, as MariaDB 10.8 and later do: before, it may end inside of one.
func (p *part) endsWithRecord() bool {
	f := p.files["ib_logfile0"]
	if f == nil {
		return false
	}
	_, ok := innodb.LogStart(f.head)
	return ok
}

// delta judges a file of changed pages: blocks of them, each behind a list of their numbers, the last of which begins otherwise.
func (p *part) delta(name string, meta, f *file) error {
	if meta == nil {
		return damage("%s of %s is missing, without which %s cannot be read", strings.TrimSuffix(name, ".delta")+".meta", p.name(), name)
	}
	size, err := strconv.ParseInt(values(meta.text.String())["page_size"], 10, 64)
	if zip, e := strconv.ParseInt(values(meta.text.String())["zip_size"], 10, 64); e == nil && zip > 0 {
		size = zip
	}
	switch {
	case err != nil || size <= 0:
		return damage("%s of %s is cut off or damaged: it does not say page_size", strings.TrimSuffix(name, ".delta")+".meta", p.name())
	case f.size == 0 || f.size%size != 0:
		return damage("%s of %s is cut off: it has %d bytes, and its pages %d", name, p.name(), f.size, size)
	}
	if magic := string(f.head[:4]); magic != "xtra" && magic != "XTRA" {
		return damage("%s of %s does not begin as a file of changed pages: it is damaged, or another file", name, p.name())
	} else if whole := size / 4; magic == "xtra" && f.size <= whole*size {
		return damage("%s of %s is cut off: it has %d bytes, and more pages follow its first %d", name, p.name(), f.size, whole-1)
	} else if f.list.ended && magic == "XTRA" && f.size != (f.list.names+1)*size {
		return damage("%s of %s is cut off, or not what it was: it has %d bytes, and lists %d pages of %d bytes", name, p.name(), f.size, f.list.names, size)
	}
	return f.delta.wrong(strings.Trim(path.Join(p.tree.name, p.root, name), "/"), values(meta.text.String())["space_id"])
}

func lacks(kind, format string, args ...any) error {
	return &restore.LackError{Lack: kind, What: fmt.Sprintf(format, args...)}
}
