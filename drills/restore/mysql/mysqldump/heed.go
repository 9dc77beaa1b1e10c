package mysqldump

import "strings"

// Target is the database that a statement makes (CREATE), takes away (DROP), changes (ALTER) or uses (USE); "": it does none of that.
func (s Statement) Target() (verb, database string) {
	verb = s.Verb()
	if verb == "USE" {
		_, database = s.name(1)
		return verb, database
	}
	if m := s.creates(); m.kind == Database {
		_, database = s.name(m.at)
		return verb, database
	}
	if (verb == "DROP" || verb == "ALTER") && len(s.tokens) > 2 && (s.tokens[1].is("DATABASE") || s.tokens[1].is("SCHEMA")) {
		at := 2
		if s.tokens[at].is("IF") {
			at += 2
		}
		_, database = s.name(at)
		return verb, database
	}
	return "", ""
}

// Into is the database that the first table of a statement is said to be in: INSERT INTO shop.orders, DROP TABLE shop.orders; "": it says none.
func (s Statement) Into() string {
	for i, t := range s.tokens {
		switch {
		case t.kind == '(', t.is("SET"), t.is("SELECT"), t.is("VALUES"), t.is("WHERE"), t.is("AS"):
			return ""
		case i > 0 && t.named() && i+2 < len(s.tokens) && s.tokens[i+1].kind == '.' && s.tokens[i+2].named():
			return t.text
		}
	}
	return ""
}

// Definer is whose rights a view, a trigger, a routine or an event has; an empty User: it says none.
func (s Statement) Definer() Account { return s.creates().definer }

// heed remembers what a statement that is passed on makes and saves.
func (d *Dump) heed(s Statement) {
	for name, value := range s.Settings() {
		for _, prefix := range []string{"@old_", "@prev_"} { // mysqldump's, and mydumper's
			if saved, ok := strings.CutPrefix(name, prefix); ok && strings.HasPrefix(value, "@") {
				d.saved[saved] = true
			}
			if old, ok := strings.CutPrefix(strings.ToLower(value), prefix); ok {
				d.saved[old] = false
			}
		}
	}
	if m := s.creates(); m.kind != "" && m.kind != Database {
		o := d.object(s, m.kind, m.at)
		d.objects[key(o)] = o
		if m.kind == Table {
			delete(d.rows, o)
			delete(d.unsure, o)
			for _, engine := range []string{"FEDERATED", "CONNECT", "SPIDER", "FEDERATEDX"} {
				if s.has("ENGINE", engine) || strings.Contains(strings.ToUpper(s.Text), "ENGINE="+engine) {
					d.points("ENGINE=" + engine)
				}
			}
		}
	}
	if kind, at := s.drops(); at > 0 {
		delete(d.objects, key(d.object(s, kind, at)))
	}
}

func (d *Dump) object(s Statement, kind string, at int) Object {
	database, name := s.name(at)
	if database == "" {
		database = d.use
	}
	return Object{Kind: kind, Database: database, Name: name}
}

// key of an object: tables, views and sequences have one name for all.
func key(o Object) [2]string {
	if o.Kind == View || o.Kind == Sequence {
		o.Kind = Table
	}
	return [2]string{o.Kind, o.Database + "\x00" + o.Name}
}

// added counts the rows that a statement added.
func (d *Dump) added(s Statement, n int64) {
	table := d.object(s, Table, s.adds())
	d.rows[table] += n
	if s.Verb() == "REPLACE" || s.begins("INSERT", "IGNORE") {
		d.unsure[table] = true
	}
}
