package pgdump

import (
	"slices"
	"strconv"
)

func (p *parser) entries() {
	n := p.int()
	if n < 0 || n > maxEntries {
		p.fail("its table of contents claims %d entries", n)
	}
	for range n {
		if p.err != nil {
			return
		}
		p.a.Entries = append(p.a.Entries, p.entry())
	}
}

func (p *parser) entry() Entry {
	e := Entry{ID: p.int(), HasData: p.int() != 0, offset: -1}
	p.text() // the catalogue that it came from
	p.text() // its oid there
	e.Tag, e.Desc = p.text(), p.text()
	if section := p.int(); p.err == nil && (section < 1 || section > 4) {
		p.fail("entry %d of its table of contents is in the unknown section %d", e.ID, section)
	}
	e.Defn = p.text()
	p.text() // the statement that drops it
	e.Copy, e.Namespace = p.text(), p.text()
	if space := p.text(); space != "" && space != "pg_default" && !slices.Contains(p.a.Tablespaces, space) {
		p.a.Tablespaces = append(p.a.Tablespaces, space)
	}
	if p.a.Minor >= 14 {
		p.text() // access method
	}
	if p.a.Minor >= 16 {
		p.int() // kind of relation
	}
	e.Owner = p.text()
	p.text() // with oids
	p.dependencies(&e)
	if p.a.Format == Custom {
		p.position(&e)
	} else {
		e.File = p.text()
	}
	return e
}

// dependencies end with a text that is absent, which is not the same as empty.
func (p *parser) dependencies(e *Entry) {
	for p.err == nil {
		n := p.int()
		if n < 0 || p.err != nil {
			return
		}
		if n > 20 {
			p.fail("its table of contents has a dependency that is no number")
			return
		}
		digits := make([]byte, n)
		for i := range digits {
			digits[i] = p.byte()
		}
		id, err := strconv.Atoi(string(digits))
		if err != nil && p.err == nil {
			p.fail("its table of contents has the dependency %q", digits)
		}
		e.Needs = append(e.Needs, id)
	}
}

// What the byte before an offset says.
const (
	positionUnknown = 1
	positionKnown   = 2
	noData          = 3
)

func (p *parser) position(e *Entry) {
	state := p.byte()
	var at int64
	for i := range p.a.offSize {
		at |= int64(p.byte()) << (8 * i)
	}
	switch {
	case p.err != nil:
	case state < positionUnknown || state > noData || at < 0:
		p.fail("%s of its table of contents has no proper position", e.Name())
	case (state == noData) == e.HasData:
		p.fail("its table of contents contradicts itself about the data of %s", e.Name())
	case state == positionKnown:
		e.offset = at
	}
}
