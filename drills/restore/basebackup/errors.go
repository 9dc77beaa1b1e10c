package basebackup

import (
	"fmt"

	"lifeboat/drills/restore/dump"
)

func damage(format string, args ...any) error {
	return &dump.Damage{Reason: fmt.Sprintf(format, args...)}
}
