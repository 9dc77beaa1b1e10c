package mysqldump

import (
	"fmt"
	"slices"
	"strings"

	"lifeboat/drills/restore/dump"
)

// systems are the databases that belong to the server.
var systems = []string{"mysql", "information_schema", "performance_schema", "sys", "ndbinfo"}

// System tells whether a database belongs to the server.
func System(name string) bool { return slices.Contains(systems, strings.ToLower(name)) }

// clientWords begin commands of the client.
var clientWords = []string{"SOURCE", "SYSTEM", "TEE", "PAGER", "NOTEE", "NOPAGER", "EDIT", "CONNECT", "SANDBOX"}

// begin is called with each statement, as far as it is known; pass: it goes on to the server.
func (d *Dump) begin(s Statement) (pass bool, err error) {
	if d.closed {
		return false, &dump.Damage{Reason: fmt.Sprintf("statements follow its closing line: %s", s.Brief())}
	}
	if err := harmless(s); err != nil {
		return false, err
	}
	if pass, done, err := d.ofServer(s); done || err != nil {
		return pass, err
	}
	if pass, done, err := d.inUse(s); done {
		return pass, err
	}
	if System(d.into(s)) {
		d.note("the server's own database was left out: its accounts, rights and settings are the instance's, and routines and events that " +
			"stand there alone are missing (dump them with --routines --events)")
		return false, nil
	}
	if d.homeless(s) {
		return false, nil
	}
	if pass, err = d.ask(s); pass && err == nil {
		d.heed(s)
	}
	return pass, err
}

// homeless tells that a statement is about the rows of a table before any table was made: those of mysqldump --no-create-info.
func (d *Dump) homeless(s Statement) bool {
	if m := s.creates(); m.kind == Table || m.kind == Sequence || m.kind == View { // one that is left out as well
		d.tables = true
	}
	at := s.adds()
	if s.begins("LOCK", "TABLES") || s.begins("ALTER", "TABLE") {
		at = 2
	} else if s.creates().kind == Trigger {
		at = 1 + slices.IndexFunc(s.tokens, func(t token) bool { return t.is("ON") })
	}
	if at == 0 || d.tables {
		return false
	}
	if d.Homeless == "" {
		d.Homeless = d.object(s, Table, at).Name
	}
	return true
}

// ask asks whoever loads the dump.
func (d *Dump) ask(s Statement) (pass bool, err error) {
	if d.OnStatement == nil {
		return true, nil
	}
	var leave bool
	d.before, leave, err = d.OnStatement(s)
	return !leave, err
}

// harmless refuses what reaches out of the database: files, programs and libraries of the server, its accounts' doings.
func harmless(s Statement) error {
	verb := s.Verb()
	switch {
	case slices.Contains(clientWords, verb):
		return hostile("a command of the client: %s", s.Brief())
	case verb == "MYSQLDUMP", verb == "MARIADB" && s.has("DUMP"), verb == "WARNING" && s.has("USING", "A", "PASSWORD"):
		return &dump.Damage{Reason: fmt.Sprintf("a message of the program that dumped it stands in it: %s", s.Brief())}
	case s.outward() && !slices.Contains([]string{Procedure, Function, Package, Event}, s.creates().kind): // of which nothing runs while it is made
		return hostile("files of the server: %s", s.Brief())
	case s.library():
		return nil
	case s.has("SONAME"), s.begins("INSTALL"), s.begins("UNINSTALL"):
		return hostile("libraries of the server: %s", s.Brief())
	}
	if slices.Contains([]string{"DROP", "ALTER", "DELETE", "TRUNCATE", "LOCK", "INSERT", "REPLACE", "ANALYZE"}, verb) {
		for i := 1; i+1 < len(s.tokens); i++ {
			if s.tokens[i].named() && System(s.tokens[i].text) && s.tokens[i+1].kind == '.' {
				return hostile("tables of the server's own: %s", s.Brief())
			}
		}
	}
	if !slices.Contains(verbs, verb) {
		return hostile("%s", s.Brief())
	}
	return nil
}

// library tells that a statement is one of mariadb-dump --system=plugins,udfs.
func (s Statement) library() bool {
	return s.begins("INSTALL", "PLUGIN") || s.creates().kind == Function && s.has("RETURNS") && s.has("SONAME") && !s.has("RETURN")
}

// roles tells that a statement is one with which mariadb-dump --system=users keeps and takes back the role of whoever restores.
func (s Statement) roles() bool {
	return s.begins("SET", "ROLE") || s.Text == "SELECT COALESCE(CURRENT_ROLE(),'NONE') into @current_role" ||
		strings.HasPrefix(strings.Join(strings.Fields(s.Text), " "), "EXECUTE IMMEDIATE CONCAT('SET ROLE ', @current_role)")
}

// outward tells that a statement names files of the server.
func (s Statement) outward() bool {
	return s.Mentions("LOAD_FILE") || s.has("INTO", "OUTFILE") || s.has("INTO", "DUMPFILE")
}

// verbs of dumps.
var verbs = []string{"SET", "USE", "CREATE", "ALTER", "DROP", "INSERT", "REPLACE", "LOCK", "UNLOCK", "START", "BEGIN", "COMMIT", "SELECT", "DO", "FLUSH",
	"CHANGE", "STOP", "GRANT", "ANALYZE", "DELETE", "TRUNCATE", "PREPARE", "EXECUTE", "DEALLOCATE", "SAVEPOINT", "ROLLBACK", "RELEASE"}

// mostOfOne are the tokens of a statement that sets one thing: SET GLOBAL name = @value.
const mostOfOne = 6

// ofServer leaves out what belongs to the server that was dumped.
func (d *Dump) ofServer(s Statement) (pass, done bool, err error) {
	switch {
	case s.roles():
		d.note("accounts and grants were left out: restore.users gives those that log in")
		return false, true, nil
	case s.library():
		d.note("plugins and functions of the server's libraries were left out: they are the image's")
		return false, true, nil
	}
	switch s.Verb() {
	case "CHANGE":
		d.at(s.Text)
		d.note("what would make this server a replica of the one that was dumped was left out")
		return false, true, nil
	case "STOP", "START":
		if s.Verb() == "STOP" || !s.begins("START", "TRANSACTION") {
			d.note("what would make this server a replica of the one that was dumped was left out")
			return false, true, nil
		}
	case "GRANT":
		d.note("accounts and grants were left out: restore.users gives those that log in")
		return false, true, nil
	case "FLUSH":
		return false, true, nil
	case "SET":
		switch {
		case s.begins("SET", "DEFAULT", "ROLE"), s.begins("SET", "PASSWORD"):
			d.note("accounts and grants were left out: restore.users gives those that log in")
			return false, true, nil
		case s.Mentions("rocksdb"), strings.Contains(strings.ToLower(s.Text), "rocksdb"):
			return false, true, nil
		case s.Mentions("GTID_PURGED"), s.Mentions("gtid_slave_pos"):
			d.at(s.Text)
			d.note("the position of the server that was dumped (GTID) was left out: this server is nobody's replica")
			return false, true, nil
		case s.begins("SET", "GLOBAL", "INNODB_STATS_AUTO_RECALC") && len(s.tokens) <= mostOfOne:
			return false, true, nil // MySQL's around its own tables of statistics, which are not restored
		case s.Global():
			return false, true, hostile("settings of the server: %s", s.Brief())
		case s.Mentions("sql_log_bin"), s.Mentions("MYSQLDUMP_TEMP_LOG_BIN"):
			return false, true, nil // nobody reads this server's log
		}
	case "PREPARE", "EXECUTE", "DEALLOCATE", "SELECT":
		if strings.Contains(strings.ToLower(s.Text), "rocksdb") || s.begins("EXECUTE", "s") || s.begins("DEALLOCATE", "PREPARE", "s") {
			return false, true, nil // what only that engine has
		}
		if s.Verb() != "SELECT" || !s.begins("SELECT", "SETVAL") {
			return false, true, hostile("%s", s.Brief())
		}
	case "CREATE", "ALTER", "DROP":
		switch {
		case s.Mentions("USER") && len(s.tokens) > 1 && (s.tokens[1].is("USER") || s.tokens[1].is("ROLE")),
			len(s.tokens) > 1 && s.tokens[1].is("ROLE"):
			d.note("accounts and grants were left out: restore.users gives those that log in")
			return false, true, nil
		case len(s.tokens) > 1 && (s.tokens[1].is("SERVER") || s.tokens[1].is("OR") && s.has("REPLACE", "SERVER")):
			d.points("CREATE SERVER")
			d.note("a way to another server was left out (CREATE SERVER)")
			return false, true, nil
		case s.Verb() == "CREATE" && s.creates().kind == "":
			return false, true, hostile("%s", s.Brief())
		}
	}
	return false, false, nil
}

func (d *Dump) points(what string) {
	if !slices.Contains(d.Pointing, what) {
		d.Pointing = append(d.Pointing, what)
	}
}

// inUse follows which database the statements speak of.
func (d *Dump) inUse(s Statement) (pass, done bool, err error) {
	switch verb, database := s.Target(); {
	case verb == "USE":
		d.use, d.strange = database, ""
		if System(database) {
			d.Whole = d.Whole || strings.EqualFold(database, "mysql")
			return false, true, nil
		}
		d.owns(database)
	case verb == "CREATE":
		if System(database) {
			return false, true, nil
		}
		d.owns(database)
	case verb == "DROP":
		return false, true, nil // it is a new one
	case verb == "":
		return false, false, nil
	}
	pass, err = d.ask(s)
	return pass, true, err
}

func (d *Dump) owns(name string) {
	if !slices.Contains(d.own, name) {
		d.own = append(d.own, name)
	}
}

// into is the database that a statement speaks of.
func (d *Dump) into(s Statement) string {
	at := s.adds()
	if m := s.creates(); at == 0 && m.kind != "" {
		at = m.at
	}
	if database, _ := s.name(at); at > 0 && database != "" {
		return database
	}
	return d.use
}
