package mysql

import (
	"context"
	"errors"

	"lifeboat/verifier/database"
)

// Profile is not read of these servers.
func (Dialect) Profile(context.Context, database.Server, database.ProfileOptions) (database.Profile, error) {
	return database.Profile{}, errors.New("profiles are of PostgreSQL: nothing of this server's content was held against its source")
}
