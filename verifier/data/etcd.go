package data

import (
	"cmp"
	"context"
	"errors"
	"net"
	"time"

	"lifeboat/drills/record"
	"lifeboat/internal/etcdgate"
	"lifeboat/scenarios"
	"lifeboat/verifier"
)

// etcdKeys of the scenario. Without prefix, key and revision all keys are counted, of which there must be one.
type etcdKeys struct {
	Instance string             `yaml:"on"`       // instance of the server; needed
	Port     int                `yaml:"port"`     // default 2379
	User     string             `yaml:"user"`     // where the server asks for one: such as root; default: none
	Password scenarios.Secret   `yaml:"password"` // default none
	Timeout  scenarios.Duration `yaml:"timeout"`  // of all of it; default 1m
	Prefix   string             `yaml:"prefix"`   // keys are counted, such as /registry/pods/
	AtLeast  *int64             `yaml:"at_least"` // keys of the prefix, or of all; default 1
	AtMost   *int64             `yaml:"at_most"`  // keys of the prefix, or of all
	Key      string             `yaml:"key"`      // one that must be there
	Revision int64              `yaml:"revision"` // that the server must be at, or later
}

// etcd counts what a server of etcd holds. It never asks for a value.
type etcd struct {
	verifier.Asked
	keys etcdKeys
}

// held is what was seen.
type held struct {
	Keys     int64  `json:"keys"`
	Revision int64  `json:"revision"`
	Found    bool   `json:"found,omitempty"` // the key
	Down     string `json:"down,omitempty"`  // why nobody answers
}

const etcdTime = scenarios.Duration(time.Minute)

func newEtcd(spec scenarios.CheckSpec) (verifier.Check, []scenarios.Problem) {
	c, s := &etcd{keys: etcdKeys{Port: 2379, Timeout: etcdTime}}, spec.Settings
	problems := s.Decode(&c.keys)
	k := &c.keys
	problems = append(problems, s.ProblemIf(k.Instance == "", "on", "name the instance, on: etcd", "%s asks an instance", s.Kind)...)
	problems = append(problems, s.ProblemIf(k.Port < 1 || k.Port > 65535, "port", "a port lies between 1 and 65535", "%d is not a port", k.Port)...)
	if k.Key != "" && (k.Prefix != "" || k.AtLeast != nil || k.AtMost != nil) {
		problems = append(problems, s.Problem("key", "write two checks", "a key and a number of keys are two questions"))
	}
	for key, n := range map[string]*int64{"at_least": k.AtLeast, "at_most": k.AtMost} {
		if n != nil && *n < 1 {
			problems = append(problems, s.Problem(key, "at_least: 1", "%d keys prove nothing", *n))
		}
	}
	problems = append(problems, s.ProblemIf(k.Revision < 0, "revision", "such as 120000", "%d is no revision", k.Revision)...)
	c.Asked = verifier.AskedOf(spec.Name, k.Instance)
	return c, problems
}

// Limit implements verifier.Bounded.
func (c *etcd) Limit() time.Duration { return c.keys.Timeout.Std() }

// Observe implements verifier.Check.
func (c *etcd) Observe(ctx context.Context, t verifier.Target) (verifier.Facts, error) {
	ctx, cancel := context.WithTimeout(ctx, c.keys.Timeout.Std())
	defer cancel()
	password, err := c.keys.Password.Reveal()
	if err != nil {
		return nil, err
	}
	var refused error // by nobody who listens
	server := etcdgate.New(func(ctx context.Context) (net.Conn, error) {
		conn, err := t.Dial(ctx, c.On(), c.keys.Port)
		if err != nil && verifier.SystemFault(err) {
			refused = err
		}
		return conn, err
	})
	var seen held
	if c.keys.User != "" {
		err = server.Login(ctx, c.keys.User, password)
	}
	if err == nil {
		seen.Keys, seen.Revision, err = server.Count(ctx, c.keys.Prefix)
	}
	if err == nil && c.keys.Key != "" {
		seen.Found, err = server.Has(ctx, c.keys.Key)
	}
	if refused != nil && ctx.Err() == nil {
		return verifier.Encode("etcd", held{Down: refused.Error()})
	}
	if own, ok := errors.AsType[*etcdgate.Error](err); ok && !own.Login() { // such as that it has no leader
		return verifier.Encode("etcd", held{Down: own.Text})
	}
	if err = unasked(ctx, c.On(), err); err != nil {
		return nil, err
	}
	return verifier.Encode("etcd", seen)
}

// Judge implements verifier.Check.
func (c *etcd) Judge(before, after verifier.Facts) verifier.Answer {
	return verifier.JudgeAs("etcd", before, after, c.judge)
}

func (c *etcd) judge(_ *held, now held) verifier.Answer {
	k := c.keys
	least, of := int64(1), cmp.Or(k.Prefix, c.On())
	if k.AtLeast != nil {
		least = *k.AtLeast
	}
	switch {
	case now.Down != "":
		return verifier.Failed("nobody answers on %s: %s", c.On(), now.Down)
	case now.Revision < k.Revision:
		return verifier.Failed("the server on %s is at revision %d, before %d", c.On(), now.Revision, k.Revision)
	case k.Key != "" && !now.Found:
		return verifier.Failed("there is no key %s", k.Key)
	case k.Key != "":
		return verifier.Passed("there is the key %s, at revision %d", k.Key, now.Revision)
	case now.Keys == 0:
		return verifier.Failed("there is no key of %s", of)
	case now.Keys < least:
		return verifier.Failed("there are %d keys of %s, fewer than %d", now.Keys, of, least)
	case k.AtMost != nil && now.Keys > *k.AtMost:
		return verifier.Failed("there are %d keys of %s, more than %d", now.Keys, of, *k.AtMost)
	}
	a := verifier.Passed("there are %d keys of %s, at revision %d", now.Keys, of, now.Revision)
	kinds := []string{"few_keys", "few_keys", "values", "values", "swapped_keys", "swapped_keys", "expiries", "expiries"}
	if k.AtLeast == nil {
		kinds = append(kinds, "keys", "keys")
	}
	if k.Revision == 0 {
		kinds = append(kinds, "stale", "stale")
	}
	a.Beside = []record.Observation{observed("unlooked.etcd", kinds...)}
	return a
}
