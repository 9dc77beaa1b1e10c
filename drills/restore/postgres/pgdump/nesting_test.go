package pgdump

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

// Whatever is nested, repeated or never ends in a dump costs a time that grows with its length, and no faster: nothing
// here holds a drill up beyond its deadline.
func TestReadingIsBounded(t *testing.T) {
	for name, part := range map[string]string{
		"parentheses": "(", "closed ones": ")", "comments in comments": "/*", "comments": "/**/", "quotes": "''",
		"names": `""`, "one text": "'", "dollars": "$a$", "half dollars": "$a", "other dollars": "$a$ $b$",
		"statements": "create x;", "empty ones": ";", "words": "a ", "one word": "a", "grants": "grant a to b,",
		"lines": "\n", "comment lines": "--\n", "escapes": `E'\\'`,
		"headings": "-- Name: a; Type: TABLE; Schema: b; Owner: c\n",
		"blocks":   "COPY t FROM stdin;\n\\.\n", "roles": "alter table x owner to y;\n", "brackets": "[",
		"casts": "::a", "signs": "-", "slashes": "/", "stars": "*", "a half comment": "/* *", "equals": "set a =",
		"escapes in a text": `E'` + strings.Repeat(`\'`, 10),
	} {
		const size, limit = 256 << 10, 10 * time.Second // 30 ms are usual; what grows with the square takes minutes
		text := []byte("create view v as select " + strings.Repeat(part, size/len(part)))
		began := time.Now()
		_, _, _ = readPlain(text, 256<<10)
		Parse(string(text)).Roles()
		_ = (&Archive{}).programs(Entry{Defn: "copy " + string(text), Copy: string(text)})
		assert.Less(t, time.Since(began), limit, name)
	}
}

func TestRolesOfManyOwners(t *testing.T) {
	a := &Archive{}
	for i := range 100_000 {
		a.Entries = append(a.Entries, Entry{Owner: fmt.Sprint("owner", i)})
	}
	began := time.Now()
	assert.Len(t, a.Roles(), 100_000)
	assert.Less(t, time.Since(began), 10*time.Second)
}
