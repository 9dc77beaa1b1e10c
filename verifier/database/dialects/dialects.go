// Package dialects knows every system that databases are asked of, and chooses among them.
package dialects

import (
	"cmp"

	"lifeboat/scenarios"
	"lifeboat/verifier/database"
	"lifeboat/verifier/database/mysql"
	"lifeboat/verifier/database/postgres"
)

// kinds of servers by their names, which are those of the kinds of restore that load dumps into them.
var kinds = map[string]database.Dialect{"postgres": postgres.Dialect{}, "mysql": mysql.Dialect{}}

// physical are the kinds of restore that give a server its own files, by the name of that.
var physical = map[string]string{"basebackup": "postgres", "mariadb-backup": "mysql"}

// Choose gives the dialect that a check's keys name, or else that of the dump that is loaded into its instance; PostgreSQL's where neither says.
func Choose(spec scenarios.CheckSpec, named string) (database.Dialect, []scenarios.Problem) {
	if d, ok := kinds[named]; ok {
		return d, nil
	}
	var problems []scenarios.Problem
	problems = append(problems, spec.Settings.ProblemIf(named != "", "dialect", "postgres or mysql (MariaDB too)", "%q is unknown", named)...)
	if d, ok := kinds[cmp.Or(physical[spec.Loads], spec.Loads)]; ok {
		return d, problems
	}
	return kinds["postgres"], problems
}
