package basebackup

import (
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/restore/dump"
)

// hasty takes files of WAL without reading them to their end.
type hasty struct{ taker }

func (hasty) log(string, io.Reader) error { return nil }

// A file of WAL is held against the checksum in its name, whatever is read of it.
func TestSumOfALog(t *testing.T) {
	s := &chosen{}
	l := log{name: "000000010000000000000002", sum: "aaf4c61ddcc5e8a2dabede0f3b482cd9aea9434d"} // of "hello"
	require.NoError(t, s.takeLog(hasty{}, "archive/x", l, strings.NewReader("hello")))
	err := s.takeLog(hasty{}, "archive/x", l, strings.NewReader("hallo"))
	require.ErrorAs(t, err, new(*dump.Damage))
	assert.ErrorContains(t, err, "says another checksum")
}
