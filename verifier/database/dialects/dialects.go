// Package dialects knows every system that databases are asked of, and chooses among them.
package dialects

import (
	"lifeboat/scenarios"
	"lifeboat/verifier/database"
	"lifeboat/verifier/database/mysql"
	"lifeboat/verifier/database/postgres"
)

// kinds of servers by the kind of restore that loads dumps into them.
var kinds = map[string]database.Dialect{"postgres": postgres.Dialect{}, "mysql": mysql.Dialect{}}

// Choose gives the dialect that a check's keys name, or else that of the dump that is loaded into its instance; PostgreSQL's where neither says.
func Choose(spec scenarios.CheckSpec, named string) (database.Dialect, []scenarios.Problem) {
	if d, ok := kinds[named]; ok {
		return d, nil
	}
	var problems []scenarios.Problem
	if named != "" {
		problems = append(problems, spec.Settings.Problem("dialect", "postgres or mysql (MariaDB too)", "%q is unknown", named))
	}
	if d, ok := kinds[spec.Loads]; ok {
		return d, problems
	}
	return kinds["postgres"], problems
}
