package basebackup

import (
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"lifeboat/drills/restore/basebackup/pgdata"
	"lifeboat/internal/lazy"
)

const (
	confName = "postgresql.conf"
	autoName = "postgresql.auto.conf"
	hbaPath  = stageFolder + "/pg_hba.conf"
	idPath   = stageFolder + "/pg_ident.conf"
)

// hba lets in who comes by the machine's own loopback, which is where lifeboat's tunnel ends, and everybody else of the drill's
// network by the password that the cluster knows: production's addresses are not those of a drill.
const hba = `local all all trust
host all all 127.0.0.1/32 trust
host all all ::1/128 trust
host all all all md5
`

// setting is one of a server.
type setting struct{ key, value string }

// fetch is the command by which the server takes WAL: it only copies, and says what it did not find.
const fetch = `test -f ` + walFolder + `/%f && exec cp ` + walFolder + `/%f "%p"; echo "lifeboat: no %f" >&2; exit 1`

// settings of a server in a sandbox: nothing is archived, followed, replicated or run on a schedule, what it says can be read, and
// what only fits production's machine is small.
func (b *backup) settings(libraries string) []setting {
	all := []setting{
		{"listen_addresses", "*"}, {"port", strconv.Itoa(b.set.Port)}, {"unix_socket_directories", "/var/run/postgresql, /tmp"},
		{"unix_socket_permissions", "0777"}, {"unix_socket_group", ""}, {"hba_file", hbaPath}, {"ident_file", idPath},
		{"external_pid_file", ""}, {"shared_buffers", "128MB"}, {"huge_pages", "off"},
		{"archive_mode", "off"}, {"archive_command", ""}, {"primary_conninfo", ""}, {"primary_slot_name", ""},
		{"synchronous_standby_names", ""}, {"max_logical_replication_workers", "0"}, {"shared_preload_libraries", libraries},
		{"hot_standby", "off"}, {"restore_command", fetch}, {"recovery_end_command", ""}, {"archive_cleanup_command", ""},
		{"recovery_min_apply_delay", "0"}, {"recovery_target", ""}, {"recovery_target_lsn", ""}, {"recovery_target_name", ""},
		{"recovery_target_time", ""}, {"recovery_target_xid", ""}, {"recovery_target_inclusive", "on"},
		{"recovery_target_action", "promote"}, {"recovery_target_timeline", b.timeline()},
		{"max_prepared_transactions", strconv.Itoa(b.ground.control.Prepared)},
		{"logging_collector", "off"}, {"log_destination", "stderr"}, {"log_min_messages", "warning"}, {"log_line_prefix", ""},
		{"log_timezone", "UTC"}, {"log_statement", "none"}, {"lc_messages", "C"},
	}
	if !b.files("server.crt", "server.key") {
		all = append(all, setting{"ssl", "off"})
	}
	switch t := b.set.Recover; {
	case t.Time != nil:
		all = append(all, setting{"recovery_target_time", t.Time.UTC().Format("2006-01-02 15:04:05.999999-07")},
			setting{"recovery_target_inclusive", "off"})
	case t.Name != "":
		all = append(all, setting{"recovery_target_name", t.Name})
	case t.Before != "":
		all = append(all, setting{"recovery_target_xid", t.Before}, setting{"recovery_target_inclusive", "off"})
	}
	return all
}

// timeline that recovery follows: the one whose WAL was looked at.
func (b *backup) timeline() string {
	if b.chain == nil {
		return "current"
	}
	return strconv.FormatUint(uint64(b.chain.timeline), 10)
}

func (b *backup) files(names ...string) bool {
	for _, name := range names {
		if _, ok := b.contents.files[name]; !ok {
			return false
		}
	}
	return true
}

// scheduled are libraries that begin work of their own once a server runs: jobs on a schedule, and replication.
var scheduled = []string{"pg_cron", "pglogical", "bdr", "pg_partman_bgw", "pg_timetable", "repmgr", "bgw_replstatus"}

var (
	settingLine = lazy.Regexp(`^\s*([A-Za-z_][A-Za-z0-9_.]*)\s*=?\s*('(?:[^'\\]|''|\\.)*'|[^\s#]*)`)
	includeLine = lazy.Regexp(`^\s*(include|include_dir)(?:\s+|\s*=\s*)'?([^'#\n]*)'?`)
)

// valueOf is the last value that files set for a key.
func valueOf(key string, texts ...string) (value string) {
	for _, text := range texts {
		for line := range strings.Lines(text) {
			if m := settingLine().FindStringSubmatch(line); m != nil && strings.EqualFold(m[1], key) {
				value = strings.ReplaceAll(strings.Trim(m[2], "'"), "''", "'")
			}
		}
	}
	return value
}

// libraries that are loaded when the server starts, without those that begin work of their own.
func (b *backup) libraries(conf string) string {
	var kept []string
	for _, name := range strings.Split(valueOf("shared_preload_libraries", conf, b.contents.texts[autoName]), ",") {
		name = strings.Trim(strings.TrimSpace(name), `"`)
		switch {
		case name == "":
		case slices.Contains(scheduled, path.Base(name)):
			b.Note("%s is not loaded, so that nothing of it runs here", name)
		default:
			kept = append(kept, name)
		}
	}
	return strings.Join(kept, ",")
}

// conf is the server's configuration: the backup's own, without what it takes from elsewhere.
func (b *backup) conf() string {
	text, ok := b.contents.texts[confName]
	if !ok {
		b.Note("it holds no postgresql.conf, which lies elsewhere in production: the server runs with its defaults")
		return "# there was none in the backup\n"
	}
	var out strings.Builder
	for line := range strings.Lines(text) {
		if m := includeLine().FindStringSubmatch(line); m != nil && !b.includes(strings.TrimSpace(m[2])) {
			b.Note("its postgresql.conf includes %s, which is not in the backup: it is left out", strings.TrimSpace(m[2]))
			line = "# " + line
		} else if m := settingLine().FindStringSubmatch(line); m != nil && strings.EqualFold(m[1], "data_directory") {
			line = "# " + line
		}
		out.WriteString(line)
	}
	return out.String()
}

// includes tells whether a file or a folder lies in the backup's data folder.
func (b *backup) includes(name string) bool {
	if path.IsAbs(name) || strings.HasPrefix(path.Clean(name), "..") {
		return false
	}
	name = path.Clean(name)
	return slices.ContainsFunc(keys(b.contents.files), func(n string) bool { return n == name || strings.HasPrefix(n, name+"/") })
}

// auto is what the server reads last, and so what counts.
func (b *backup) auto(settings []setting) string {
	out := strings.TrimRight(b.contents.texts[autoName], "\n") + "\n"
	for _, s := range settings {
		out += fmt.Sprintf("%s = '%s'\n", s.key, strings.ReplaceAll(strings.ReplaceAll(s.value, `\`, `\\`), "'", "''"))
	}
	return out
}

// spaceMap leads the server to its tablespaces where they lie here.
func spaceMap(spaces []pgdata.Tablespace) string {
	out := ""
	for _, s := range spaces {
		out += fmt.Sprintf("%s %s\n", s.OID, path.Join(spaceFolder, s.OID))
	}
	return out
}

// utc reads a time that PostgreSQL wrote; zero where its zone is not known. Where a zone is not whole hours off, minutes follow them.
func utc(text string) time.Time {
	for _, layout := range []string{"2006-01-02 15:04:05.999999-07", "2006-01-02 15:04:05.999999-07:00", "2006-01-02 15:04:05.999999-07:00:00",
		"2006-01-02 15:04:05 UTC", "2006-01-02 15:04:05 GMT"} {
		if at, err := time.Parse(layout, strings.TrimSpace(text)); err == nil {
			return at.UTC()
		}
	}
	return time.Time{}
}
