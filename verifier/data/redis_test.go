package data

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/record"
	"lifeboat/scenarios"
	"lifeboat/verifier"
	"lifeboat/verifier/verifiertest"
)

// answering is a server of Redis that answers as it is told: commands, in their words, to answers as they are sent.
func answering(answers map[string]string) verifiertest.Fake {
	return verifiertest.Fake{OnDial: func(context.Context, string, int) (net.Conn, error) {
		here, there := net.Pipe()
		go func() {
			defer there.Close()
			in := bufio.NewReader(there)
			for {
				var n int
				if _, err := fmt.Fscanf(in, "*%d\r\n", &n); err != nil {
					return
				}
				var words []string
				for range n {
					var size int
					if _, err := fmt.Fscanf(in, "$%d\r\n", &size); err != nil {
						return
					}
					word := make([]byte, size+2)
					if _, err := io.ReadFull(in, word); err != nil {
						return
					}
					words = append(words, string(word[:size]))
				}
				answer, ok := answers[strings.Join(words, " ")]
				if !ok {
					answer = "-ERR unknown command"
				}
				if _, err := io.WriteString(there, answer+"\r\n"); err != nil {
					return
				}
			}
		}()
		return here, nil
	}}
}

func bulk(s string) string { return fmt.Sprintf("$%d\r\n%s", len(s), s) }

// cache is what a server of two keys answers, some of it otherwise.
func cache(other map[string]string) verifiertest.Fake {
	answers := map[string]string{"INFO keyspace": bulk("# Keyspace\r\ndb0:keys=2,expires=1,avg_ttl=0\r\n"), "SELECT 0": "+OK",
		"SCAN 0 COUNT 1000": "*2\r\n$1\r\n7\r\n*1\r\n$1\r\na", "SCAN 7 COUNT 1000": "*2\r\n$1\r\n0\r\n*1\r\n$1\r\nb",
		"TYPE a": "+string", "STRLEN a": ":3", "TYPE b": "+hash", "HLEN b": ":2", "GET a": bulk("1795916848"), "PTTL a": ":-1", "TYPE c": "+none", "PTTL c": ":-2",
		"SCAN 0 COUNT 1000 MATCH a*": "*2\r\n$1\r\n0\r\n*2\r\n$1\r\na\r\n$1\r\na"}
	for k, v := range other {
		answers[k] = v
	}
	return answering(answers)
}

func TestRedis(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		keys   string
		server verifiertest.Fake
		want   record.CheckStatus
		says   string
	}{
		"all": {"", cache(nil), record.CheckPassed, "2 keys in 1 databases, of which 2 were read by their types: hash 1, string 1"},
		"one that cannot be read": {"", cache(map[string]string{"HLEN b": "-ERR it is damaged"}), record.CheckFailed,
			"database 0: a key of type hash cannot be read: ERR it is damaged"},
		"one that expired meanwhile": {"", cache(map[string]string{"TYPE b": "+none"}), record.CheckPassed, "of which 1 were read"},
		"nothing":                    {"", cache(map[string]string{"INFO keyspace": bulk("# Keyspace\r\n")}), record.CheckFailed, "holds not one key"},
		"a pattern":                  {`pattern: "a*", at_least: 1`, cache(nil), record.CheckPassed, "there are 1 keys of a*"},
		"a pattern of more":          {`pattern: "a*", at_least: 2`, cache(nil), record.CheckFailed, "fewer than 2"},
		"a pattern of fewer": {`pattern: "a*", at_most: 1`, cache(map[string]string{"SCAN 0 COUNT 1000 MATCH a*": "*2\r\n$1\r\n0\r\n*2\r\n$1\r\na\r\n$2\r\nab"}),
			record.CheckFailed, "more than 1"},
		"a pattern of none": {`pattern: "a*", at_most: 2`, cache(map[string]string{"SCAN 0 COUNT 1000 MATCH a*": "*2\r\n$1\r\n0\r\n*0"}), record.CheckFailed, "there is no key of a*"},
		"a key":             {`key: a, type: string, ttl: none, equals: "1795916848"`, cache(nil), record.CheckPassed, "key a is as it should be"},
		"another type":      {`key: b, type: string`, cache(map[string]string{"PTTL b": ":5"}), record.CheckFailed, "key b is a hash, not a string"},
		"another value":     {`key: a, equals: x`, cache(nil), record.CheckFailed, `key a holds "1795916848", not "x"`},
		"no expiry":         {`key: a, ttl: some`, cache(nil), record.CheckFailed, "key a has no expiry"},
		"no such key":       {`key: c, ttl: none`, cache(nil), record.CheckFailed, "there is no key c"},
		"an old time":       {`key: a, max_age: 1ms`, cache(map[string]string{"GET a": bulk("2020-01-01T00:00:00Z")}), record.CheckFailed, "more than 1ms ago"},
		"a time to come":    {`key: a, max_age: 1h`, cache(map[string]string{"GET a": bulk("99999999999")}), record.CheckFailed, "which has not come yet"},
		"no time":           {`key: a, max_age: 1h`, cache(map[string]string{"GET a": bulk("soon")}), record.CheckFailed, "holds no time"},
		"a new time": {`key: a, max_age: 1h`, cache(map[string]string{"GET a": bulk(fmt.Sprint(time.Now().UnixMilli()))}), record.CheckPassed,
			"key a holds 20"},
		"nobody there": {"", verifiertest.Fake{OnDial: func(context.Context, string, int) (net.Conn, error) { return nil, syscall.ECONNREFUSED }},
			record.CheckFailed, "nobody answers on cache"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := redisCheck(t, test.keys)
			facts, err := c.Observe(t.Context(), test.server)
			require.NoError(t, err)
			got := c.Judge(nil, facts)
			assert.Equal(t, test.want, got.Status, got.Message)
			assert.Contains(t, got.Message, test.says)
		})
	}
	for name, server := range map[string]verifiertest.Fake{
		"a password is missing": cache(map[string]string{"INFO keyspace": "-NOAUTH Authentication required."}),
		"it loads":              cache(map[string]string{"SCAN 7 COUNT 1000": "-LOADING Redis is loading the dataset in memory"}),
		"the way is broken":     {},
	} {
		_, err := redisCheck(t, "").Observe(t.Context(), server)
		assert.Error(t, err, name)
	}
}

// A value is business data: facts, which are sealed, hold it only where the check asks about it.
func TestRedisKeepsNoValue(t *testing.T) {
	t.Parallel()
	for keys, kept := range map[string]bool{`key: a, type: string, ttl: none`: false, `key: a, equals: "1"`: true} {
		facts, err := redisCheck(t, keys).Observe(t.Context(), cache(nil))
		require.NoError(t, err)
		assert.Equal(t, kept, strings.Contains(string(facts), "1795916848"), keys)
	}
}

func redisCheck(t *testing.T, keys string) verifier.Check {
	t.Helper()
	s, err := scenarios.ParseSettings("redis", "{on: cache, "+keys+"}")
	require.NoError(t, err)
	c, problems := New(scenarios.CheckSpec{Kind: "redis", Name: "keys", Settings: s}, "")
	require.Empty(t, problems)
	return c
}

// proved is a target with a last proof.
type proved struct {
	verifiertest.Fake
	last string
}

func (p proved) Beside(string) ([]byte, string, error) { return nil, "", nil }
func (p proved) Held(string) bool                      { return false }
func (p proved) Hide(f verifier.Facts) verifier.Facts  { return f }
func (p proved) Last(string) (*verifier.Proof, error) {
	return &verifier.Proof{Drill: "night-7", Facts: verifier.Facts(p.last)}, nil
}

// Keys that expire by themselves may be fewer the next night; of the others no more than shrink.
func TestRedisAgainstTheLastProof(t *testing.T) {
	t.Parallel()
	last := func(keys, expiring int) string {
		return fmt.Sprintf(`{"kind":"redis","seen":{"databases":[{"number":0,"keys":%d,"expiring":%d,"looked":%d}]}}`, keys, expiring, keys)
	}
	for name, test := range map[string]struct {
		last string
		keys string
		want record.CheckStatus
	}{
		"as many":                {last(2, 1), "", record.CheckPassed},
		"sessions have gone":     {last(900, 899), "", record.CheckPassed},
		"keys are lost":          {last(3, 1), "", record.CheckFailed},
		"as it may":              {last(3, 1), "shrink: 50%", record.CheckPassed},
		"a database that is not": {`{"kind":"redis","seen":{"databases":[{"number":5,"keys":9,"expiring":0,"looked":9}]}}`, "", record.CheckFailed},
	} {
		c := redisCheck(t, test.keys)
		facts, err := c.Observe(t.Context(), proved{cache(nil), test.last})
		require.NoError(t, err)
		got := c.Judge(nil, facts)
		assert.Equal(t, test.want, got.Status, "%s: %s", name, got.Message)
	}
	_, err := redisCheck(t, "").Observe(t.Context(), proved{cache(nil), `{"kind":"rows","seen":{}}`})
	assert.ErrorContains(t, err, "it counts no keys")
}

func TestRedisRefuses(t *testing.T) {
	t.Parallel()
	for keys, want := range map[string]string{
		"port: 6379":                             "asks an instance",
		"on: c, port: 70000":                     "is not a port",
		"on: c, pattern: a, key: b, at_least: 1": "two questions",
		"on: c, pattern: a":                      "expects nothing",
		"on: c, at_most: 3":                      "count the keys of a pattern",
		"on: c, pattern: a, at_least: 0":         "0 keys prove nothing",
		"on: c, key: a":                          "expects nothing",
		"on: c, equals: a":                       "are of a key",
		"on: c, key: a, ttl: 5s":                 "is neither",
		"on: c, key: a, type: text":              "is no type",
	} {
		s, err := scenarios.ParseSettings("redis", "{"+keys+"}")
		require.NoError(t, err)
		_, problems := New(scenarios.CheckSpec{Kind: "redis", Name: "keys", Settings: s}, "")
		require.NotEmpty(t, problems, keys)
		assert.Contains(t, problems[0].Message, want)
	}
}
