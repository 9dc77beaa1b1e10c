package record

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestFailedChecksOfARedStretch(t *testing.T) {
	t.Parallel()
	var none *RedFacts
	assert.Empty(t, none.Checks())
	r := &RedFacts{}
	r.Failing([]string{"log in", "read it back"})
	r.Failing([]string{"read it back"})
	assert.Equal(t, "read it back ×2, log in ×1", r.Checks())
	for i := range 3 * mostFailed {
		r.Failing([]string{fmt.Sprint(i)})
	}
	assert.Len(t, r.Failed, mostFailed)
}
