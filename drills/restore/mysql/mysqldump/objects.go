package mysqldump

import "strings"

// Object is something that a dump makes.
type Object struct{ Kind, Database, Name string }

// Kinds of objects.
const (
	Table     = "table"
	View      = "view"
	Sequence  = "sequence"
	Trigger   = "trigger"
	Procedure = "procedure"
	Function  = "function"
	Event     = "event"
	Package   = "package"
	Database  = "database"
)

// Account of a server: a definer.
type Account struct{ User, Host string }

// made is what a CREATE makes, where its name stands, and whose rights it has; kind is "" where it is nothing that dumps make.
type made struct {
	kind    string
	at      int
	definer Account
}

// creates reads CREATE [OR REPLACE] [DEFINER = …] [ALGORITHM = …] [SQL SECURITY …] KIND [IF NOT EXISTS] NAME.
func (s Statement) creates() (m made) {
	if s.Verb() != "CREATE" {
		return m
	}
	kinds := map[string]string{"TABLE": Table, "VIEW": View, "SEQUENCE": Sequence, "TRIGGER": Trigger, "PROCEDURE": Procedure,
		"FUNCTION": Function, "EVENT": Event, "PACKAGE": Package, "DATABASE": Database, "SCHEMA": Database}
	for i := 1; i < len(s.tokens); i++ {
		t := s.tokens[i]
		if t.is("DEFINER") && i+2 < len(s.tokens) && s.tokens[i+1].kind == '=' {
			m.definer.User = s.tokens[i+2].text
			if i += 2; i+2 < len(s.tokens) && s.tokens[i+1].kind == '@' {
				m.definer.Host = s.tokens[i+2].text
				i += 2
			}
			continue
		}
		kind := kinds[strings.ToUpper(t.text)]
		if t.kind != 'w' || kind == "" {
			if t.kind == '(' {
				return made{}
			}
			continue
		}
		if kind == Package && i+1 < len(s.tokens) && s.tokens[i+1].is("BODY") {
			i++
		}
		if i+3 < len(s.tokens) && s.tokens[i+1].is("IF") && s.tokens[i+2].is("NOT") && s.tokens[i+3].is("EXISTS") {
			i += 3
		}
		m.kind, m.at = kind, i+1
		return m
	}
	return made{}
}

// drops is what a DROP takes away: tables and views have one name for both.
func (s Statement) drops() (kind string, at int) {
	if s.Verb() != "DROP" || len(s.tokens) < 3 {
		return "", 0
	}
	kind, at = strings.ToLower(s.tokens[1].text), 2
	if at+2 < len(s.tokens) && s.tokens[at].is("IF") && s.tokens[at+1].is("EXISTS") {
		at += 2
	}
	return kind, at
}

// adds is the place of the name of the table that rows are added to; 0: none.
func (s Statement) adds() int {
	if v := s.Verb(); v != "INSERT" && v != "REPLACE" {
		return 0
	}
	for i := 1; i < len(s.tokens) && s.tokens[i].kind == 'w'; i++ {
		if s.tokens[i].is("INTO") {
			return i + 1
		}
	}
	return 0
}
