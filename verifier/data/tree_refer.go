package data

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"lifeboat/drills/store"
	"lifeboat/drills/store/checksums"
	"lifeboat/internal/tree"
	"lifeboat/internal/userfile"
	"lifeboat/verifier"
)

// Observe implements verifier.Check.
func (c *treeCheck) Observe(ctx context.Context, t verifier.Target) (verifier.Facts, error) {
	of, ok := t.(verifier.Trees)
	if !ok {
		return nil, errors.New("look at a tree of files: nothing here knows of any")
	}
	all, err := of.Trees(ctx, c.On())
	if err != nil {
		return nil, err
	}
	seen := forest{}
	for _, r := range all {
		if c.keys.Path != "" && path.Clean(c.keys.Path) != r.Folder {
			continue
		}
		g := grove{Folder: r.Folder, Totals: tree.Sum(r.Entries), Only: r.Only, Later: r.Later, LeftOut: r.Nameless + r.Relabelled}
		for what, names := range r.Lost {
			if g.Lost == nil {
				g.Lost = map[string]int64{}
			}
			g.Lost[what] = int64(len(names))
		}
		if err := c.hold(t, &g, r); err != nil {
			return nil, err
		}
		if err := c.last(t, &g); err != nil {
			return nil, err
		}
		seen.Trees = append(seen.Trees, g)
	}
	return verifier.Encode("tree", seen)
}

// hold finds what a tree is to be held against, and does it. What is wrong with that is no word on the tree.
func (c *treeCheck) hold(t verifier.Target, g *grove, r verifier.Tree) error {
	raw, err := c.manifest(t, g)
	if err != nil {
		return err
	}
	own := ""
	if raw == nil {
		i := slices.IndexFunc(checksums.Names, func(n string) bool { return r.Lists[n] != "" && strings.Contains(strings.ToLower(n), "256") })
		if i < 0 {
			return nil
		}
		own = checksums.Names[i]
		g.Name, raw = own, []byte(r.Lists[own])
	}
	sum := sha256.Sum256(raw)
	g.Digest = "sha256:" + hex.EncodeToString(sum[:])
	options := tree.Options{Ignore: c.keys.Ignore, MayChange: c.keys.MayChange, Without: c.keys.Without, Lost: r.Lost, Most: mostLines,
		Rootless: r.Rootless}
	var want []tree.Entry
	if tree.IsManifest(raw) {
		m, err := tree.ReadManifest(bytes.NewReader(raw))
		if err != nil {
			g.Unread = err.Error()
			return nil
		}
		g.Against, want = byManifest, m.Entries
	} else {
		if want, err = listed(raw); err != nil {
			g.Unread = err.Error()
			return nil
		}
		g.Against = byList
		if own != "" {
			options.Ignore, options.Alone, g.Own = append(slices.Clone(options.Ignore), checksums.Names...), true, true
		}
	}
	compared := tree.Compare(r.Only.Of(want), r.Entries, options)
	g.Compared = &compared
	return nil
}

// manifest that the scenario names, or that lies beside the backup; nil: there is none.
func (c *treeCheck) manifest(t verifier.Target, g *grove) ([]byte, error) {
	if c.keys.File != "" {
		g.Name = c.keys.File
		raw, err := userfile.Read(filepath.Join(c.dir, c.keys.File), store.MostBeside)
		if err != nil {
			return nil, fmt.Errorf("read the manifest %s: %w", c.keys.File, err)
		}
		return raw, nil
	}
	refs, ok := t.(verifier.References)
	if !ok {
		return nil, nil
	}
	raw, digest, err := refs.Beside(c.Name())
	if err != nil {
		return nil, fmt.Errorf("read the manifest beside the backup: %w", err)
	}
	if digest == "" {
		return nil, nil
	}
	g.Name = "its manifest"
	return raw, nil
}

// listed makes entries of a list of digests as sha256sum writes it.
func listed(raw []byte) ([]tree.Entry, error) {
	sums, err := checksums.Files(string(raw))
	if err != nil {
		return nil, err
	}
	var all []tree.Entry
	for name, digest := range sums {
		all = append(all, tree.Entry{Path: name, Type: tree.File, Digest: digest, Partial: true})
	}
	tree.Sort(all)
	return all, nil
}

// last finds what the last proof saw of a tree in the same folder.
func (c *treeCheck) last(t verifier.Target, g *grove) error {
	refs, ok := t.(verifier.References)
	if !ok {
		return nil
	}
	proof, err := refs.Last(c.Name())
	if err != nil || proof == nil {
		return err
	}
	var was struct {
		Kind string `json:"kind"`
		Seen forest `json:"seen"`
	}
	if json.Unmarshal(proof.Facts, &was) != nil || was.Kind != "tree" {
		return nil // a check of another kind had this name
	}
	for _, o := range was.Seen.Trees {
		if o.Folder == g.Folder && slices.Equal(o.Only, g.Only) {
			g.Was, g.Drill, g.Another = &o.Totals, proof.Drill, proof.Another
		}
	}
	return nil
}

var _ verifier.Referring = (*treeCheck)(nil)
