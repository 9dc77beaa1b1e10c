package objective

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Every message of the table is said somewhere, and each stands in it once.
func TestMessagesAreUsed(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("*.go")
	require.NoError(t, err)
	var code strings.Builder
	for _, f := range files {
		if f == "messages.go" || strings.HasSuffix(f, "_test.go") {
			continue
		}
		b, err := os.ReadFile(f)
		require.NoError(t, err)
		code.Write(b)
	}
	seen := map[string]bool{}
	for _, m := range Messages {
		assert.Contains(t, code.String(), `"`+m.ID+`"`)
		assert.False(t, seen[m.ID], "%s stands twice", m.ID)
		seen[m.ID] = true
		assert.NotEmpty(t, m.Uses, m.ID)
	}
}

func TestKnownObjectives(t *testing.T) {
	t.Parallel()
	names := make([]string, len(rules))
	for i, r := range rules {
		names[i] = r.name
	}
	assert.Equal(t, []string{"start_rollback", "business_back", "restored", "outage", "detect", "decide", "act", "boot",
		"data_loss", "age"}, names)
}
