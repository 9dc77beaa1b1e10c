// Package data holds the checks of the data layer: is the content there, is it
// new enough, is it the same, is it whole.
package data

import (
	"lifeboat/scenarios"
	"lifeboat/verifier"
	"lifeboat/verifier/database"
	"lifeboat/verifier/database/dialects"
)

var kinds = verifier.Kinds{"checksum": newChecksum, "content": newContent, "etcd": newEtcd, "freshness": newFreshness,
	"profile": newProfile, "redis": newRedis, "rows": newRows, "sql": newSQL, "tree": newTree}

// Kinds of checks that New makes.
func Kinds() []string { return kinds.Names() }

// New makes a check of its part of a scenario. dir is the scenario's folder.
func New(spec scenarios.CheckSpec, dir string) (verifier.Check, []scenarios.Problem) {
	c, problems := kinds.New("data", spec)
	switch c := c.(type) {
	case *profile:
		c.dir = dir
	case *treeCheck:
		c.dir = dir
	}
	return c, problems
}

// ofServer chooses how a check's server is asked, and completes its keys for that.
func ofServer(spec scenarios.CheckSpec, named string, complete func(s scenarios.Settings, d database.Dialect) []scenarios.Problem,
) (database.Dialect, []scenarios.Problem) {
	d, problems := dialects.Choose(spec, named)
	return d, append(problems, complete(spec.Settings, d)...)
}
