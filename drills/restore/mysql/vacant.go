package mysql

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"lifeboat/drills/record"
	"lifeboat/drills/restore/mysql/session"
)

// vacant proves that a database which takes a part of the backup is not there or holds nothing, but for what this backup brought there before.
func (l *load) vacant(ctx context.Context, database string) error {
	if len(l.set.Only) == 0 {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	here := [2]string{l.machine.Name(), database}
	if l.filled[here] {
		return nil
	}
	for _, kind := range slices.Sorted(maps.Keys(catalogue)) {
		there, err := session.Texts(ctx, l.conn, catalogue[kind]+session.Literal(database))
		if err != nil {
			return fmt.Errorf("look whether database %s on %s is empty: %w", database, l.machine.Name(), err)
		}
		if len(there) > 0 {
			return l.lacks(record.LackOccupied, "database %s is there already on %s and holds %s, and restore.only would put a part of the backup in its place",
				database, l.machine.Name(), kind+" "+there[0][0])
		}
	}
	l.filled[here] = true
	return nil
}
