package signing

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"lifeboat/internal/userfile"
)

// Trust is whom a verifier believes, and what they must have signed. It is the verifier's own file: nothing that comes with the evidence
// says who is to be believed.
type Trust struct {
	Keys    []Trusted      `yaml:"keys"`
	Require map[string]int `yaml:"require"` // role → how many different keys with it must have signed each drill
}

// Trusted is a public key and the roles in which it signs.
type Trusted struct {
	Name   string   `yaml:"name"`
	Public string   `yaml:"public"` // the line of OpenSSH's .pub file
	Roles  []string `yaml:"roles"`
	Verifier
}

// RoleLog is the role in which checkpoints of logs are signed; those of people are free: operator, reviewer, management.
const RoleLog = "log"

// ReadTrust reads a policy (YAML), or the public key of one, which then may sign everything.
func ReadTrust(path string) (*Trust, error) {
	raw, err := userfile.Read(path, 1<<20)
	if err != nil {
		return nil, fmt.Errorf("read whom to trust: %w", err)
	}
	t, err := ParseTrust(raw)
	if err != nil {
		return nil, fmt.Errorf("read whom to trust: %s: %w", path, err)
	}
	return t, nil
}

// ParseTrust is ReadTrust of what was read.
func ParseTrust(raw []byte) (*Trust, error) {
	if bytes.Contains(raw, []byte("PRIVATE KEY-----")) {
		return nil, errors.New("this is a private key: give the public one, which ends in .pub")
	}
	if v, comment, err := ParsePublic(string(raw)); err == nil {
		return &Trust{Keys: []Trusted{{Name: comment, Verifier: v}}}, nil
	}
	t := &Trust{}
	if err := userfile.YAML(raw, t); err != nil {
		return nil, err
	}
	return t, t.check()
}

// check parses the keys. One key under two names would be two people to a threshold.
func (t *Trust) check() error {
	if len(t.Keys) == 0 {
		return errors.New("it names no key")
	}
	for i := range t.Keys {
		k := &t.Keys[i]
		v, comment, err := ParsePublic(k.Public)
		if err != nil {
			return fmt.Errorf("key %d (%s): %w", i+1, k.Name, err)
		}
		if k.Verifier = v; k.Name == "" {
			k.Name = comment
		}
		if len(k.Roles) == 0 {
			return fmt.Errorf("key %d (%s) has no roles", i+1, k.Name)
		}
		if slices.ContainsFunc(t.Keys[:i], func(o Trusted) bool { return o.ID() == v.ID() }) {
			return fmt.Errorf("key %d (%s) stands there twice", i+1, k.Name)
		}
	}
	for role, n := range t.Require {
		have := 0
		for _, k := range t.Keys {
			if slices.Contains(k.Roles, role) {
				have++
			}
		}
		if role == RoleLog || n < 1 || n > have {
			return fmt.Errorf("require: %d of role %s can never be: %d keys have it", n, role, have)
		}
	}
	return nil
}

// In gives the keys of a role; a key without roles has all.
func (t *Trust) In(role string) (keys []Trusted) {
	for _, k := range t.Keys {
		if len(k.Roles) == 0 || slices.Contains(k.Roles, role) {
			keys = append(keys, k)
		}
	}
	return keys
}

// Lacking says which roles the keys that signed do not fill, as "role (1 of 2)"; a key fills one place.
func (t *Trust) Lacking(signed []Trusted) []string {
	var places []string
	roles := slices.Sorted(maps.Keys(t.Require))
	for _, role := range roles {
		for range t.Require[role] {
			places = append(places, role)
		}
	}
	taken := map[int]int{} // key → place
	var seat func(place int, seen map[int]bool) bool
	seat = func(place int, seen map[int]bool) bool { // an augmenting path: whoever sits there may move
		for i, k := range signed {
			if !slices.Contains(k.Roles, places[place]) || seen[i] {
				continue
			}
			seen[i] = true
			if other, sits := taken[i]; !sits || seat(other, seen) {
				taken[i] = place
				return true
			}
		}
		return false
	}
	filled := map[string]int{}
	for i := range places {
		seat(i, map[int]bool{})
	}
	for _, place := range taken {
		filled[places[place]]++
	}
	var lacking []string
	for _, role := range roles {
		if filled[role] < t.Require[role] {
			lacking = append(lacking, fmt.Sprintf("%s (%d of %d)", role, filled[role], t.Require[role]))
		}
	}
	return lacking
}

// Names of keys for people.
func Names(keys []Trusted) string {
	var names []string
	for _, k := range keys {
		names = append(names, strings.TrimSpace(k.Name+" "+k.ID()))
	}
	return strings.Join(names, ", ")
}
