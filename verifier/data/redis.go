package data

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"lifeboat/internal/resp"
	"lifeboat/scenarios"
	"lifeboat/verifier"
)

// redisKeys of the scenario. Without pattern and key all that the server holds is read.
type redisKeys struct {
	Instance string             `yaml:"on"`       // instance of the server; needed
	Port     int                `yaml:"port"`     // default 6379
	User     string             `yaml:"user"`     // of its access list; default: the one that has no name
	Password scenarios.Secret   `yaml:"password"` // default none
	Database *int               `yaml:"database"` // number; default: each that holds keys, and 0 of a pattern or a key
	Timeout  scenarios.Duration `yaml:"timeout"`  // of all of it; default 10m
	// share of the keys without an expiry that a database may lose since the last proof of another restore point; default 10%
	Shrink  scenarios.Percent  `yaml:"shrink"`
	Pattern string             `yaml:"pattern"`  // keys are counted, such as session:*
	AtLeast *int64             `yaml:"at_least"` // keys of the pattern
	AtMost  *int64             `yaml:"at_most"`  // keys of the pattern
	Key     string             `yaml:"key"`      // one key is looked at
	Type    string             `yaml:"type"`     // of the key: string, list, set, zset, hash, stream
	Equals  *string            `yaml:"equals"`   // value of the key, a string
	TTL     string             `yaml:"ttl"`      // of the key: none | some
	MaxAge  scenarios.Duration `yaml:"max_age"`  // of the time that the key holds: seconds or milliseconds since 1970, or RFC 3339
}

// redis reads what a server of Redis or Valkey holds.
type redis struct {
	verifier.Asked
	keys redisKeys
}

// kept is what was seen. It names no key: they may be as secret as values.
type kept struct {
	Databases []keyspace `json:"databases,omitempty"`
	Was       []keyspace `json:"was,omitempty"` // in the last proof
	From      reference  `json:"from,omitzero"`
	Matched   *int64     `json:"matched,omitempty"` // of the pattern
	Found     *oneKey    `json:"found,omitempty"`   // of the key
	Asked     time.Time  `json:"asked,omitzero"`    // by this host's clock
	Down      string     `json:"down,omitempty"`    // why nobody answers
}

// keyspace of one database.
type keyspace struct {
	Number   int              `json:"number"`
	Keys     int64            `json:"keys"`
	Expiring int64            `json:"expiring"`
	Looked   int64            `json:"looked"` // keys that were looked at
	Types    map[string]int64 `json:"types,omitempty"`
	Wrong    string           `json:"wrong,omitempty"` // what one of them answers
	Of       string           `json:"of,omitempty"`    // its type
}

// oneKey is the one that was asked for; without a type there is none.
type oneKey struct {
	Type  string `json:"type,omitempty"`
	Value string `json:"value,omitempty"`
	TTL   int64  `json:"ttl_ms"` // below 0: none
}

const redisTime = scenarios.Duration(10 * time.Minute)

func newRedis(spec scenarios.CheckSpec) (verifier.Check, []scenarios.Problem) {
	c, s := &redis{keys: redisKeys{Port: 6379, Timeout: redisTime, Shrink: usualShrink}}, spec.Settings
	problems := s.Decode(&c.keys)
	k := &c.keys
	problems = append(problems, s.ProblemIf(k.Instance == "", "on", "name the instance, on: cache", "%s asks an instance", s.Kind)...)
	problems = append(problems, s.ProblemIf(k.Port < 1 || k.Port > 65535, "port", "a port lies between 1 and 65535", "%d is not a port", k.Port)...)
	ofKey := k.Type != "" || k.Equals != nil || k.TTL != "" || k.MaxAge != 0
	switch {
	case k.Pattern != "" && k.Key != "":
		problems = append(problems, s.Problem("key", "write two checks", "a pattern and a key are two questions"))
	case k.Pattern != "" && k.AtLeast == nil && k.AtMost == nil:
		problems = append(problems, s.Problem("pattern", "add at_least or at_most", "redis expects nothing of it"))
	case k.Pattern == "" && (k.AtLeast != nil || k.AtMost != nil):
		problems = append(problems, s.Problem("pattern", `pattern: "session:*"`, "at_least and at_most count the keys of a pattern"))
	case k.Key != "" && !ofKey:
		problems = append(problems, s.Problem("key", "add type, equals, ttl or max_age", "redis expects nothing of it"))
	case k.Key == "" && ofKey:
		problems = append(problems, s.Problem("key", "key: config:version", "type, equals, ttl and max_age are of a key"))
	}
	for key, n := range map[string]*int64{"at_least": k.AtLeast, "at_most": k.AtMost} {
		if n != nil && *n < 1 {
			problems = append(problems, s.Problem(key, "at_least: 1", "%d keys prove nothing", *n))
		}
	}
	problems = append(problems, s.ProblemIf(!slices.Contains([]string{"", "none", "some"}, k.TTL), "ttl", "none or some", "%q is neither", k.TTL)...)
	if types := slices.Sorted(maps.Keys(sizes)); k.Type != "" && !slices.Contains(types, k.Type) {
		problems = append(problems, s.Problem("type", strings.Join(types, ", "), "%q is no type", k.Type))
	}
	c.Asked = verifier.AskedOf(spec.Name, k.Instance)
	return c, problems
}

// Limit implements verifier.Bounded.
func (c *redis) Limit() time.Duration { return c.keys.Timeout.Std() }

// Ages implements verifier.Aging.
func (c *redis) Ages() bool { return c.keys.MaxAge > 0 }

// Observe implements verifier.Check.
func (c *redis) Observe(ctx context.Context, t verifier.Target) (verifier.Facts, error) {
	ctx, cancel := context.WithTimeout(ctx, c.keys.Timeout.Std())
	defer cancel()
	seen := kept{Asked: time.Now().UTC()}
	password, err := c.keys.Password.Reveal()
	if err != nil {
		return nil, err
	}
	dialled, err := t.Dial(ctx, c.On(), c.keys.Port)
	if err != nil && verifier.SystemFault(err) {
		seen.Down = err.Error()
		return verifier.Encode("redis", seen)
	}
	if err = unasked(ctx, c.On(), err); err != nil {
		return nil, err
	}
	conn := resp.New(dialled)
	defer conn.Close()
	err = conn.Login(ctx, c.keys.User, password)
	if err == nil {
		err = c.look(ctx, conn, &seen)
	}
	if err = unasked(ctx, c.On(), err); err != nil {
		return nil, err
	}
	if r, ok := t.(verifier.References); ok && c.whole() {
		if err := c.last(r, &seen); err != nil {
			return nil, err
		}
	}
	return verifier.Encode("redis", seen)
}

// whole tells whether all that the server holds is read.
func (c *redis) whole() bool { return c.keys.Pattern == "" && c.keys.Key == "" }

// last takes what the last proof saw.
func (c *redis) last(r verifier.References, seen *kept) error {
	last, err := r.Last(c.Name())
	if err != nil || last == nil {
		return err
	}
	var was struct {
		Kind string `json:"kind"`
		Seen kept   `json:"seen"`
	}
	if err := json.Unmarshal(last.Facts, &was); err != nil || was.Kind != "redis" || was.Seen.Databases == nil {
		return fmt.Errorf("read the last proof, drill %s: it counts no keys", last.Drill)
	}
	seen.Was = was.Seen.Databases
	seen.From = reference{Against: againstLast, Digest: last.Journal, Drill: last.Drill, Point: last.Point, Another: last.Another}
	return nil
}

var errNoKeyspace = errors.New("the server does not say how many keys it holds")
