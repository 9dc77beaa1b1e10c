package goroutines

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestMain(m *testing.M) { Main(m) }

func TestLeft(t *testing.T) {
	before := len(Left())
	end := make(chan struct{})
	go func() { <-end }()
	require.Len(t, Left(), before+1)
	assert.Contains(t, Left()[before], "goroutines.TestLeft")
	close(end)
	require.Eventually(t, func() bool { return len(Left()) == before+1 }, time.Minute, time.Millisecond, "Eventually has its own")
	assert.Eventually(t, func() bool { return true }, time.Minute, time.Millisecond)
}
