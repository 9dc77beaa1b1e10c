package pgdump

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

// Archives before 1.13 name nothing with its schema: pg_restore sets the search path for each entry.
func TestOldArchivesNameNoSchemas(t *testing.T) {
	e := Entry{ID: 1, Desc: "TABLE DATA", Namespace: "Sales", Tag: "orders", HasData: true, Copy: "COPY orders (id) FROM stdin;\n"}
	table := Entry{ID: 2, Desc: "TABLE", Namespace: "Sales", Tag: "orders", Defn: "CREATE TABLE orders (id int);\n"}
	for minor, fine := range map[int]bool{12: true, 13: false, 14: false} {
		a := &Archive{Minor: minor, Format: Custom}
		assert.Equal(t, fine, a.checkEntry(e) == nil, minor)
		assert.Equal(t, fine, a.checkEntry(table) == nil, minor)
	}
	assert.Equal(t, `"Sales".orders`, e.Target())
	e.Copy = "COPY \"Sales\".orders (id) FROM stdin;"
	assert.Equal(t, `"Sales".orders`, e.Target())
}
