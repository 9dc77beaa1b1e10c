package remote

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
)

// trickle is a body of which a byte comes now and then, for ever.
type trickle time.Duration

func (d trickle) Read(p []byte) (int, error) {
	time.Sleep(time.Duration(d))
	p[0] = 'x'
	return 1, nil
}

func TestReadText(t *testing.T) {
	broken := errors.New("broken")
	for name, test := range map[string]struct {
		body io.Reader
		want string
		err  string
	}{
		"whole":      {strings.NewReader("12345678"), "12345678", ""},
		"nothing":    {strings.NewReader(""), "", ""},
		"by bytes":   {iotest.OneByteReader(strings.NewReader("1234")), "1234", ""},
		"with EOF":   {iotest.DataErrReader(strings.NewReader("1234")), "1234", ""},
		"too long":   {strings.NewReader("123456789"), "12345678", "the text is too long"},
		"breaks":     {io.MultiReader(strings.NewReader("12"), iotest.ErrReader(broken)), "12", "broken"},
		"never ends": {trickle(3 * time.Second), "xxxx", "not all of it came within 10s"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				text, err := ReadText(test.body, 8, time.Second)
				assert.Equal(t, test.want, string(text))
				if test.err == "" {
					assert.NoError(t, err)
				} else {
					assert.EqualError(t, err, test.err)
				}
			})
		})
	}
}
