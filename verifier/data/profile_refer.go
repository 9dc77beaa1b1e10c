package data

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"lifeboat/drills/record"
	"lifeboat/internal/userfile"
	"lifeboat/verifier"
	"lifeboat/verifier/database"
)

// Observe implements verifier.Check.
func (c *profile) Observe(ctx context.Context, t verifier.Target) (verifier.Facts, error) {
	seen, err := c.reference(t)
	if err != nil {
		return nil, err
	}
	server, err := c.keys.Server(t.Dial)
	if err != nil {
		return nil, err
	}
	server.Timeout = time.Minute
	held, err := c.dialect.Held(ctx, server)
	if err = unasked(ctx, c.On(), err); err != nil {
		return nil, err
	}
	server.Database, seen.Missing = c.copied(held, seen.Was)
	if seen.Missing != "" {
		return verifier.Encode("profile", seen)
	}
	like, err := heldAgainst(seen.Was, server.Database)
	if err != nil {
		return nil, err
	}
	server.Timeout = cmp.Or(c.keys.Timeout.Std(), timeFor(held))
	now, err := c.dialect.Profile(ctx, server, database.ProfileOptions{Like: like})
	if err = unasked(ctx, c.On(), err); err != nil {
		return nil, err
	}
	if seen.Now = &now; seen.Was != nil && server.Database != "" {
		now.Databases[0].Database = seen.Was.Databases[0].Database // a dump may be loaded under any name
	}
	if r, ok := t.(verifier.References); ok && seen.From.Against == againstLast {
		if err := seen.hide(r); err != nil {
			return nil, err
		}
	}
	return verifier.Encode("profile", seen)
}

// reference finds what the copy is held against.
func (c *profile) reference(t verifier.Target) (seen profiled, err error) {
	refers, ok := t.(verifier.References)
	switch {
	case c.keys.File != "":
		raw, err := userfile.Read(filepath.Join(c.dir, filepath.FromSlash(c.keys.File)), mostProfile)
		if err != nil {
			return seen, fmt.Errorf("read the profile: %w", err)
		}
		sum := sha256.Sum256(raw)
		return c.parsed(raw, reference{Against: againstBackup, Digest: "sha256:" + hex.EncodeToString(sum[:]), File: c.keys.File})
	case !ok:
		return seen, nil
	}
	if c.Refers() {
		raw, digest, err := refers.Beside(c.Name())
		switch {
		case err != nil:
			return seen, fmt.Errorf("the profile beside the backup cannot be used, which is no word on the backup: %w (mend or remove it, or write against: last)", err)
		case digest != "":
			return c.parsed(raw, reference{Against: againstBackup, Digest: digest})
		case c.keys.Against == againstBackup:
			return seen, fmt.Errorf("no profile lies beside the backup: take one with lifeboat profile, or write against: last")
		}
	}
	last, err := refers.Last(c.Name())
	if err != nil || last == nil {
		return seen, err
	}
	var was struct {
		Kind string   `json:"kind"`
		Seen profiled `json:"seen"`
	}
	if err := json.Unmarshal(last.Facts, &was); err != nil || was.Kind != "profile" || was.Seen.Now == nil {
		return seen, fmt.Errorf("read the last proof, drill %s: it holds no profile", last.Drill)
	}
	if was.Seen.Now.Version != database.ProfileVersion {
		return seen, nil // of another lifeboat: it begins anew
	}
	return profiled{Was: was.Seen.Now, From: reference{Against: againstLast, Digest: last.Journal, Drill: last.Drill, Point: last.Point,
		Another: last.Another}}, nil
}

// mostProfile bounds the file of a profile, bytes.
const mostProfile = 64 << 20

func (c *profile) parsed(raw []byte, from reference) (profiled, error) {
	was, err := database.ReadProfile(raw)
	if err != nil {
		return profiled{}, fmt.Errorf("the profile %s cannot be used, which is no word on the backup: %w (take one anew, or write against: last)",
			cmp.Or(from.File, "beside the backup"), err)
	}
	return profiled{Was: was, From: from}, nil
}

// copied chooses the database that is held against a profile of one; "" are all of them. A dump may be loaded under another name: where
// no database has the profile's, the only one that is there beside that of the server itself is meant.
func (c *profile) copied(held []database.Held, was *database.Profile) (name, missing string) {
	there := func(name string) bool {
		return slices.ContainsFunc(held, func(h database.Held) bool { return h.Name == name })
	}
	switch {
	case c.keys.Database != "" && there(c.keys.Database):
		return c.keys.Database, ""
	case c.keys.Database != "":
		return "", c.keys.Database
	case was == nil || len(was.Databases) != 1:
		return "", ""
	}
	others := slices.DeleteFunc(slices.Clone(held), func(h database.Held) bool { return h.Name == maintenance })
	if own := was.Databases[0].Database; there(own) {
		if own == maintenance && len(others) == 1 && len(held) == 2 && others[0].Bytes > held[slices.IndexFunc(held, func(h database.Held) bool {
			return h.Name == maintenance
		})].Bytes { // every server has one: the larger is the copy
			return others[0].Name, ""
		}
		return own, ""
	}
	if len(others) != 1 {
		return "", was.Databases[0].Database
	}
	return others[0].Name, ""
}

// heldAgainst is a profile under the name that its database has in the copy: a dump may be loaded under any.
func heldAgainst(was *database.Profile, name string) (*database.Profile, error) {
	if was == nil || name == "" {
		return was, nil
	}
	if len(was.Databases) != 1 {
		return nil, fmt.Errorf("the profile is of %d databases: delete database: so that all are held against it, or take one of %s alone", len(was.Databases), name)
	}
	like := *was
	like.Databases = slices.Clone(was.Databases)
	like.Databases[0].Database = name
	return &like, nil
}

// hide takes out of what was seen what was taken out of what it is held against, so that both are alike.
func (seen *profiled) hide(r verifier.References) error {
	raw, err := json.Marshal(seen.Now)
	if err != nil {
		return err
	}
	hidden := r.Hide(raw)
	if bytes.Equal(raw, hidden) {
		return nil
	}
	seen.Now = &database.Profile{}
	return json.Unmarshal(hidden, seen.Now)
}

// uncovered says what of a copy its partial profile says nothing of.
func uncovered(d database.ProfiledDatabase, scope string) record.Observation {
	named, more := d.Outside, ""
	if n := len(named) - mostDifferences; n > 0 {
		named, more = named[:mostDifferences], strconv.Itoa(n)
	}
	return observed("profile.part", "database", d.Database, "scope", scope, "tables", strings.Join(named, ", "), "more", more)
}
