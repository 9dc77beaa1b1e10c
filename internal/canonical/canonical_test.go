package canonical

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestMarshal(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		v    any
		want string
	}{
		{"keys by UTF-16 (RFC 8785, 3.2.3)", map[string]int{"\u20ac": 1, "\r": 2, "\ufb33": 3, "1": 4, "\U0001f600": 5, "\u0080": 6, "\u00f6": 7},
			"{\"\\r\":2,\"1\":4,\"\u0080\":6,\"ö\":7,\"€\":1,\"\U0001f600\":5,\"\ufb33\":3}"},
		{"escapes", "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"/<>&\u2028", "\"€$\\u000f\\nA'B\\\"\\\\\\\\\\\"/<>&\u2028\""},
		{"all of 64 bits", map[string]int64{"limit_ns": 360000000000000001}, `{"limit_ns":360000000000000001}`},
		{"nested", []any{map[string]any{"b": []int{}, "a": nil}, true, ""}, `[{"a":null,"b":[]},true,""]`},
	} {
		got, err := Marshal(c.v)
		require.NoError(t, err, c.name)
		assert.Equal(t, c.want, string(got), c.name)
	}
	_, err := Marshal(map[string]float64{"share": 0.5})
	assert.ErrorContains(t, err, "share: the number 0.5 is not whole")
}

func TestUnmarshal(t *testing.T) {
	t.Parallel()
	type thing struct {
		Drill string `json:"drill"`
		Size  int64  `json:"size,omitempty"`
	}
	for raw, want := range map[string]string{
		`{"drill":"a","size":3}`:                   "",
		`{"drill":"a"}`:                            "",
		`{"drill":"a","drill":"b"}`:                `the key "drill" stands there twice`,
		`{"drill":"a","size":3,"size":3}`:          `the key "size" stands there twice`,
		`{"size":3,"drill":"a"}`:                   "not written in the one form",
		`{"drill":"a" ,"size":3}`:                  "not written in the one form",
		`{"Drill":"a"}`:                            "not written in the one form",
		`{"drill":"\u0061"}`:                       "byte 10 differs",
		`{"drill":"a","size":3}` + "\n":            "not written in the one form",
		`{"drill":"a"}{}`:                          "something stands behind",
		`{"drill":"a","more":1}`:                   `unknown field "more"`,
		`{"drill":"a","size":3e0}`:                 "cannot unmarshal",
		"{\"drill\":\"\xff\"}":                     "not UTF-8",
		`{"drill":"a","x":[{"y":1,"y":2}]}`:        `the key "y" stands there twice`,
		`{"drill":"a"`:                             "EOF",
		"":                                         "EOF",
		strings.Repeat("[", 1<<20):                 "nested more than 100 deep",
		`{"drill":"a","size":9223372036854775808}`: "cannot unmarshal",
	} {
		var v thing
		err := Unmarshal([]byte(raw), &v)
		if want == "" {
			assert.NoError(t, err, raw)
		} else {
			assert.ErrorContains(t, err, want, raw)
		}
	}
}

func FuzzUnmarshal(f *testing.F) {
	f.Add([]byte(`{"a":[1,"x",null]}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		var v any
		if Unmarshal(raw, &v) == nil {
			again, err := Marshal(v)
			require.NoError(t, err)
			assert.Equal(t, string(raw), string(again))
		}
	})
}
