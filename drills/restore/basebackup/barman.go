package basebackup

import (
	"archive/tar"
	"io"
	"path"
	"strings"
	"time"

	"lifeboat/drills/record"
	"lifeboat/drills/restore"
	"lifeboat/drills/restore/basebackup/pgdata"
	"lifeboat/internal/lazy"
)

// barmanInfo is where Barman says of a backup what it is.
var barmanInfo = lazy.Regexp(`^(.*/)?base/([0-9]{8}T[0-9]{6})/backup\.info$`)

// ofBarman chooses a backup of Barman: a data folder or tars of pg_basebackup, tablespaces beside them, and WAL in a folder of its own.
func (b *backup) ofBarman(found *index) (*chosen, error) {
	servers, complete, infos := map[string]bool{}, map[string]time.Time{}, map[string]map[string]string{}
	roots := map[string]string{}
	for at := range found.texts {
		if m := barmanInfo().FindStringSubmatch(at); m != nil {
			name := path.Base("/" + m[1])
			servers[name], roots[name] = true, m[1]
		}
	}
	server, err := "", error(nil)
	if len(servers) != 1 || b.set.Stanza != "" && !servers["/"] {
		server, err = b.one(servers, "server")
	} else {
		server = keys(servers)[0]
	}
	if err != nil {
		return nil, err
	}
	for at, raw := range found.texts {
		m := barmanInfo().FindStringSubmatch(at)
		if m == nil || m[1] != roots[server] {
			continue
		}
		info := barmanLines(string(raw))
		infos[m[2]] = info
		if info["status"] == "DONE" {
			complete[m[2]], _ = time.Parse("2006-01-02 15:04:05.999999-07:00", info["end_time"]) // zero: it is not known when it ended
		}
	}
	if info, ok := infos[b.set.Set]; ok && info["status"] != "DONE" {
		return nil, damage("backup %s is not complete: its status is %q", b.set.Set, info["status"])
	}
	label, err := b.newest(complete)
	if err != nil {
		return nil, err
	}
	info := infos[label]
	if parent := info["parent_backup_id"]; parent != "" && parent != "None" {
		return nil, &restore.LackError{Lack: record.LackDelta, What: "it is incremental, and holds only what changed since " + parent}
	}
	if b.set.Set == "" && b.set.Recover.Time == nil {
		for _, later := range keys(infos) {
			if later > label {
				b.Note("a later backup, %s, is not complete", later)
			}
		}
	}
	home, wals := path.Join(roots[server], "base", label)+"/", path.Join(roots[server], "wals")+"/"
	s := &chosen{label: label, first: info["begin_wal"]}
	start, err := pgdata.ParseLSN(info["begin_xlog"])
	stop, e := pgdata.ParseLSN(info["end_xlog"])
	if err != nil || e != nil || len(s.first) != 24 {
		return nil, damage("backup.info of backup %s does not say which WAL it needs", label)
	}
	s.history = &pgdata.Label{Start: start, Stop: stop, Stopped: complete[label].UTC().Format("2006-01-02 15:04:05.999999-07")}
	s.log = func(at string) (log, bool) {
		base := path.Base(at)
		return log{name: base}, strings.HasPrefix(at, wals) && logName(base)
	}
	s.member = func(w *walker, at string, h *tar.Header, r io.Reader) (bool, error) {
		name, ok := strings.CutPrefix(at, home)
		below, isData := strings.CutPrefix(name, "data/")
		top, _, _ := strings.Cut(name, "/")
		switch {
		case !ok:
			return false, nil
		case isData && partName().MatchString(below):
			return true, w.part(below, r)
		case isData:
			return true, w.one(below, h, r)
		case strings.Trim(top, "0123456789") == "": // a tablespace
			return true, w.one("pg_tblspc/"+name, h, r)
		}
		return false, nil
	}
	return s, nil
}

// barmanLines are the keys of a backup.info.
func barmanLines(text string) map[string]string {
	all := map[string]string{}
	for line := range strings.Lines(text) {
		if key, value, ok := strings.Cut(strings.TrimSpace(line), "="); ok {
			all[key] = value
		}
	}
	return all
}
