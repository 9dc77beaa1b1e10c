package reports

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"lifeboat/drills/record"
)

func TestNamesInTheReportsLanguage(t *testing.T) {
	a := twoWays()
	name := a.r.Header.Checks[0].Name
	a.r.Header.Checks[0].Title = record.Text{"en": name, "zh": "保存文章"}
	a.r.Header.ExcludedIn = map[record.Layer]record.Text{record.LayerData: {"en": "in another drill", "zh": "由另一演练覆盖"}}
	a.v.Excluded = []record.Excluded{{Layer: record.LayerData, Reason: "in another drill"}, {Layer: record.LayerSystem, Reason: "old"}}
	assert.Contains(t, a.lesson(), name)
	a.l = Chinese
	assert.Contains(t, a.lesson(), "保存文章")
	assert.Contains(t, a.words(record.Reason{ID: "check.missing", Args: map[string]string{"check": name, "layer": "business"}}), "保存文章")
	assert.Equal(t, "数据：由另一演练覆盖", a.excluded()[0].Text)
	assert.Equal(t, "系统：old", a.excluded()[1].Text, "a journal of old has one language")
	assert.Equal(t, "unknown", a.checkName("unknown"))
}
