package scenarios

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestParseDuration(t *testing.T) {
	good := map[string]struct {
		want  time.Duration
		shown string
	}{
		"500ms": {500 * time.Millisecond, "500ms"}, "30m": {30 * time.Minute, "30m"}, "2h": {2 * time.Hour, "2h"},
		"1h30m": {90 * time.Minute, "1h30m"}, "7d": {168 * time.Hour, "168h"}, "1d12h": {36 * time.Hour, "36h"},
		"1.5s": {1500 * time.Millisecond, "1.5s"}, "0s": {0, "0s"}, "1h0m5s": {time.Hour + 5*time.Second, "1h0m5s"},
	}
	for text, c := range good {
		got, err := ParseDuration(text)
		require.NoError(t, err, text)
		assert.Equal(t, c.want, got.Std(), text)
		assert.Equal(t, c.shown, got.String())
		again, err := ParseDuration(got.String())
		require.NoError(t, err, text)
		assert.Equal(t, got, again, text)
	}
	for _, text := range []string{"", "5", "0", "-5s", "+5s", "s", "5 s", "5x", "d", "1d5", "99999999999h", "200000d",
		"1h-5m"} {
		_, err := ParseDuration(text)
		assert.Error(t, err, text)
	}
}

func TestParseSizeAndRate(t *testing.T) {
	for text, want := range map[string]int64{
		"512MiB": 512 << 20, "2GB": 2e9, "1.5GiB": 3 << 29, "10B": 10, "3kB": 3000, "3KB": 3000, "4KiB": 4096, "1 GB": 1e9,
	} {
		size, err := ParseSize(text)
		require.NoError(t, err, text)
		assert.Equal(t, want, size.Bytes(), text)
		again, err := ParseSize(size.String())
		require.NoError(t, err, size.String())
		assert.Equal(t, size, again)
		rate, err := ParseRate(text + "/s")
		require.NoError(t, err, text)
		assert.Equal(t, want, rate.BytesPerSecond())
	}
	for _, text := range []string{"", "512", "512M", "MiB", "-1MB", "1e9B", "99999999999TB", "2GBs"} {
		_, err := ParseSize(text)
		assert.Error(t, err, text)
		_, err = ParseRate(text)
		assert.Error(t, err, text)
	}
	assert.Equal(t, "512MiB", Size(512<<20).String())
	assert.Equal(t, "2GB", Size(2e9).String())
	assert.Equal(t, "20MB/s", Rate(20e6).String())
}

func TestParsePerSecondAndPercent(t *testing.T) {
	p, err := ParsePerSecond("20/s")
	require.NoError(t, err)
	assert.Equal(t, 50*time.Millisecond, p.Interval())
	assert.Equal(t, "20/s", p.String())
	s, err := ParsePercent("0.5%")
	require.NoError(t, err)
	assert.InDelta(t, 0.005, s.Share(), 1e-12)
	assert.Equal(t, "0.5%", s.String())
	for _, text := range []string{"", "20", "/s", "-1/s", "20/m", "NaN/s"} {
		_, err := ParsePerSecond(text)
		assert.Error(t, err, text)
	}
	for _, text := range []string{"", "5", "%", "101%", "-1%"} {
		_, err := ParsePercent(text)
		assert.Error(t, err, text)
	}
}

func TestSecretIsNeverPrinted(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "pw"), []byte("hunter2\n"), 0o600))
	t.Setenv("LIFEBOAT_TEST_SECRET", "hunter2")
	for name, s := range map[string]Secret{
		"plain": Plain("hunter2"),
		"env":   {env: "LIFEBOAT_TEST_SECRET"},
		"file":  Secret{file: "pw"}.within(dir),
	} {
		got, err := s.Reveal()
		require.NoError(t, err, name)
		assert.Equal(t, "hunter2", got, name)
		raw, err := json.Marshal(map[string]any{"a": s, "b": &s})
		require.NoError(t, err)
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x"} {
			assert.NotContains(t, fmt.Sprintf(verb, map[string]Secret{"k": s}), "hunter2", verb)
		}
		assert.NotContains(t, string(raw), "hunter2")
	}
	_, err := Secret{env: "LIFEBOAT_TEST_UNSET"}.Reveal()
	assert.ErrorContains(t, err, "LIFEBOAT_TEST_UNSET is not set")
}

func TestSettingsDecode(t *testing.T) {
	type form struct {
		Query  string            `yaml:"query"`
		Expect any               `yaml:"expect"`
		Within Duration          `yaml:"within"`
		Limit  *int              `yaml:"limit"`
		Env    map[string]Secret `yaml:"env"`
	}
	s, err := ParseSettings("sql", "query: select 1\nexpect: [1, a]\nlimit: 3\nenv: {A: b}\n")
	require.NoError(t, err)
	got := form{Within: Duration(time.Second)}
	require.Empty(t, s.Decode(&got))
	assert.Equal(t, "select 1", got.Query)
	assert.Equal(t, []any{1, "a"}, got.Expect)
	assert.Equal(t, time.Second, got.Within.Std(), "the default stays")
	assert.Equal(t, 3, *got.Limit)
	assert.True(t, s.Has("query"))
	assert.False(t, s.Has("kind"))

	s, err = ParseSettings("sql", "qeury: x\nwithin: 5\nlimit: many\nenv: {A: {env: B, file: c}}\n")
	require.NoError(t, err)
	problems := s.Decode(&form{})
	require.Len(t, problems, 4)
	assert.Equal(t, `1:1: unknown key "qeury" (did you mean query?)`, problems[0].Error())
	assert.Equal(t, 2, problems[1].Line)
	assert.Contains(t, problems[1].Error(), "within: 5 has no unit")
	assert.Empty(t, Settings{}.Decode(&form{}), "the zero value has no keys")
	assert.Equal(t, "2:9: within: no", s.Problem("within", "", "no").Error())
}

// Back-ends share keys by embedding a struct, which need not be exported.
func TestSettingsDecodeEmbedded(t *testing.T) {
	type server struct {
		Port int `yaml:"port"`
	}
	var got struct {
		server `yaml:",inline"`
		Role   string `yaml:"role"`
	}
	s, err := ParseSettings("wrong-password", "role: app\nport: 5433\n")
	require.NoError(t, err)
	require.Empty(t, s.Decode(&got))
	assert.Equal(t, 5433, got.Port)
	assert.Equal(t, "app", got.Role)
}
