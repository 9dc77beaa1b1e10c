package source

import (
	"path/filepath"
	"slices"
	"strings"

	"lifeboat/verifier/database"
)

// MySQLDump is what a command line of mysqldump or mariadb-dump asks for, with what option files add to it.
type MySQLDump struct {
	Where     MySQL
	Scope     database.Scope
	Databases []string // nil: all
	File      string   // that it writes; "": standard output
}

// MySQLPrograms dump; what they are called may have a path before it.
var mysqlPrograms = []string{"mysqldump", "mariadb-dump"}

// DumpsMySQL tells whether a command line is of a program that dumps MySQL or MariaDB.
func DumpsMySQL(args []string) bool {
	return len(args) > 0 && slices.ContainsFunc(mysqlPrograms, func(p string) bool { return strings.HasPrefix(filepath.Base(args[0]), p) })
}

// mysqlParser is a reading of such a command line.
type mysqlParser struct {
	into                                    MySQLDump
	names                                   []string // databases, or one and its tables
	all, several, tables, uncreated         bool
	snapshot, routines, events, untriggered bool
}

// ParseMySQLDump reads one, all that is wrong with it at once. Option files are read as the program reads them.
func ParseMySQLDump(args []string) (MySQLDump, []string) {
	filed, rest, problems := optionFiles(args[1:], "mysqldump", "mariadb-dump", "client", "client-server", "client-mariadb")
	m := &mysqlParser{}
	p := parser{program: filepath.Base(args[0]), rest: append(filed, spelled(rest)...), options: m.options()}
	p.positional = func(arg string) string {
		m.names = append(m.names, arg)
		return ""
	}
	for len(p.rest) > 0 {
		if problem := p.next(nil); problem != "" {
			problems = append(problems, problem)
		}
	}
	d, s := &m.into, &m.into.Scope
	switch {
	case m.all && len(m.names) > 0, !m.all && len(m.names) == 0:
		problems = append(problems, "name a database, several behind --databases, or give --all-databases")
	case m.several && !m.tables:
		d.Databases = m.names
	case !m.all:
		d.Databases, s.Tables = m.names[:1], m.names[1:]
	}
	if len(s.Tables) == 0 {
		s.Tables = nil
	}
	s.NoDatabase = !m.all && (!m.several || m.tables) || m.uncreated
	for _, left := range []struct {
		is   bool
		what string
	}{{!m.routines, "--skip-routines"}, {!m.events, "--skip-events"}, {m.untriggered, "--skip-triggers"}} {
		if left.is {
			s.Other = append(s.Other, left.what)
		}
	}
	if len(d.Databases) == 1 { // the copy may have another name
		for _, list := range [][]string{s.NoTables, s.NoRowsOf} {
			for i, name := range list {
				list[i] = strings.TrimPrefix(name, d.Databases[0]+".")
			}
		}
	}
	if !m.snapshot {
		problems = append(problems, "add --single-transaction, or --lock-all-tables: without one of them the dump is not of one moment")
	}
	return *d, problems
}

// spelled writes options as they are looked for here: hyphens in names, no --skip-x=0, and a password that is attached to its letter.
func spelled(args []string) (all []string) {
	for i, arg := range args {
		name, value, given := strings.Cut(arg, "=")
		switch {
		case arg == "--":
			return append(all, args[i:]...)
		case strings.HasPrefix(arg, "-p") && len(arg) > 2:
			all = append(all, "--password="+arg[2:])
		case strings.HasPrefix(arg, "--"):
			name = strings.ReplaceAll(name, "_", "-")
			for _, x := range [][2]string{{"--disable-", "--skip-"}, {"--enable-", "--"}, {"--loose-", "--"}} {
				if rest, ok := strings.CutPrefix(name, x[0]); ok {
					name = x[1] + rest
				}
			}
			known := switches[strings.TrimPrefix(strings.TrimPrefix(name, "--"), "skip-")]
			switch v := strings.ToLower(value); {
			case name == "--password" && !given: // it asks
				all = append(all, "-p")
			case slices.Contains([]string{"--master-data", "--source-data", "--dump-slave", "--dump-replica"}, name): // with a value or without
				all = append(all, name)
			case given && known && (v == "0" || v == "off" || v == "false"):
				all = append(all, strings.Replace("--skip-"+name[2:], "--skip-skip-", "--", 1))
			case given && known:
				all = append(all, name)
			case given:
				all = append(all, name+"="+value)
			default:
				all = append(all, name)
			}
		default:
			all = append(all, arg)
		}
	}
	return all
}

// switches are options that can be switched off again by --skip- before them.
var switches = func() map[string]bool {
	all := map[string]bool{}
	for _, list := range []string{harmless, telling} {
		for name := range strings.FieldsSeq(list) {
			all[name] = true
		}
	}
	return all
}()

// telling are the switches that change what is in a dump, or how its server is reached.
const telling = "single-transaction lock-all-tables routines events triggers no-data no-create-db databases all-databases tables ssl ssl-verify-server-cert"

// harmless are switches that change how a dump is written, and not what of the databases is in it.
const harmless = `add-drop-database add-drop-table add-drop-trigger add-locks allow-keywords all-tablespaces no-tablespaces apply-slave-statements
	apply-replica-statements comments compact complete-insert compress create-options column-statistics debug-check debug-info delayed-insert disable-keys
	dump-date dump-history extended-insert flush-privileges force get-server-public-key gtid header hex-blob include-master-host-port
	include-source-host-port insert-ignore lock-tables log-queries network-timeout no-autocommit no-data-med no-set-names opt order-by-primary
	order-by-size quick quote-names replace set-charset show-create-skip-secondary-engine skip-generated-invisible-primary-key tz-utc verbose
	galera-info enable-cleartext-plugin`

// valuedOptions are likewise, with a value.
const valuedOptions = `default-character-set max-allowed-packet net-buffer-length log-error character-sets-dir plugin-dir default-auth bind-address
	compression-algorithms zstd-compression-level server-public-key-path ssl-capath ssl-cipher ssl-crl ssl-crlpath ssl-fips-mode tls-version
	tls-ciphersuites set-gtid-purged max-statement-time copy-s3-tables mysqld-long-query-time`

// letters of the harmless ones.
var letters = map[string]byte{"all-tablespaces": 'Y', "no-tablespaces": 'y', "comments": 'i', "complete-insert": 'c', "compress": 'C',
	"create-options": 'a', "disable-keys": 'K', "dump-history": 'H', "extended-insert": 'e',
	"force": 'f', "lock-tables": 'l', "no-set-names": 'N', "quick": 'q', "quote-names": 'Q', "verbose": 'v'}

// options of mysqldump 5.7 to 9 and of mariadb-dump to 12, by what they do to a profile.
func (m *mysqlParser) options() (all []option) {
	losing := map[string]string{"create-options": "what it leaves out of tables is in no copy", "tz-utc": "its times would be those of the server's zone",
		"opt": "it leaves out options of tables: write those of its parts that you want", "quote-names": "names would be other ones"}
	refused := func(long string, short byte, value bool, why string) option {
		return option{long: long, short: short, value: value, means: func(*Dump, string) string { return "--" + long + ": " + why }}
	}
	for name := range strings.FieldsSeq(harmless) {
		all = append(all, plain(name, letters[name]))
		if why := losing[name]; why != "" {
			all = append(all, refused("skip-"+name, 0, false, why))
		} else if !strings.HasPrefix(name, "skip-") {
			all = append(all, plain("skip-"+name, 0))
		}
	}
	toggle := func(long string, short byte, set func(on bool)) {
		all = append(all, sets(long, short, func(*Dump) { set(true) }), sets("skip-"+long, 0, func(*Dump) { set(false) }))
	}
	of := func(long string, short byte, take func(v string)) {
		all = append(all, takes(long, short, func(_ *Dump, v string) { take(v) }))
	}
	w, s := &m.into.Where, &m.into.Scope
	toggle("single-transaction", 0, func(on bool) { m.snapshot = on })
	toggle("lock-all-tables", 'x', func(on bool) { m.snapshot = m.snapshot || on })
	toggle("routines", 'R', func(on bool) { m.routines = on })
	toggle("events", 'E', func(on bool) { m.events = on })
	toggle("triggers", 0, func(on bool) { m.untriggered = !on })
	toggle("no-data", 'd', func(on bool) { s.SchemaOnly = on })
	toggle("no-create-db", 'n', func(on bool) { m.uncreated = on })
	toggle("all-databases", 'A', func(on bool) { m.all = on })
	toggle("databases", 'B', func(on bool) { m.several = on })
	toggle("tables", 0, func(on bool) { m.tables = on })
	of("ignore-table", 0, func(v string) { s.NoTables = append(s.NoTables, v) })
	of("ignore-table-data", 0, func(v string) { s.NoRowsOf = append(s.NoRowsOf, v) })
	of("result-file", 'r', func(v string) { m.into.File = v })
	of("host", 'h', func(v string) { w.Host = v })
	of("port", 'P', func(v string) { w.Port = v })
	of("socket", 'S', func(v string) { w.Socket = v })
	of("user", 'u', func(v string) { w.User = v })
	of("protocol", 0, func(v string) { w.Protocol = strings.ToLower(v) })
	of("ssl-ca", 0, func(v string) { w.CA = v })
	of("ssl-cert", 0, func(v string) { w.Cert = v })
	of("ssl-key", 0, func(v string) { w.Key = v })
	of("ssl-mode", 0, func(v string) { w.mode(v) })
	toggle("ssl-verify-server-cert", 0, func(on bool) { w.Verify = on })
	toggle("ssl", 0, func(on bool) { w.Encrypt = on })
	all = append(all, option{long: "password", means: func(_ *Dump, v string) string {
		if w.Password = v; v == "" {
			return "--password: nobody can be asked twice: give it by an option file, or --password-env before --"
		}
		return ""
	}, value: true}, refused("p", 'p', false, "nobody can be asked twice: give the password by an option file, or --password-env before --"))
	for name := range strings.FieldsSeq(valuedOptions) {
		all = append(all, valued(name, 0))
	}
	for _, long := range []string{"master-data", "source-data", "dump-slave", "dump-replica"} {
		all = append(all, plain(long, 0))
	}
	const half = "a profile is of all of what it covers: take the dump without it"
	const alone = "run it by itself for that"
	return append(all, refused("where", 'w', true, half), refused("no-create-info", 't', false, half),
		refused("tab", 'T', true, "what the server writes itself is no dump here"), refused("xml", 'X', false, half), refused("system", 0, true, half),
		refused("as-of", 0, true, half), refused("compatible", 0, true, half), refused("ignore-error", 0, true, half),
		refused("ignore-database", 0, true, "name the databases behind --databases"),
		refused("flush-logs", 'F', false, "it goes on in another file of the binary log: flush before"), refused("delete-master-logs", 0, false, alone),
		refused("delete-source-logs", 0, false, alone), refused("help", '?', false, alone), refused("version", 'V', false, alone))
}
