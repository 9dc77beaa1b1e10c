package postgres

import (
	"bytes"

	"lifeboat/drills/restore"
	"lifeboat/drills/restore/dump"
	"lifeboat/drills/restore/postgres/pgdump"
	"lifeboat/internal/filekind"
)

// detect finds the format by content, taking compression off on the way.
func detect(in *dump.Input) (string, error) {
	head, found, err := in.Detect()
	if err != nil {
		return "", err
	}
	switch found.Name {
	case "pg_custom":
		return formatCustom, nil
	case "tar":
		return formatTar, dump.Bundled(head, pgdump.OfFolder)
	case "pg_plain", "pg_cluster":
		if bytes.HasPrefix(head, []byte(filekind.BOM)) { // psql skips it, too
			return formatPlain, in.Discard(len(filekind.BOM))
		}
		return formatPlain, nil
	case "":
		return "", &dump.Damage{Reason: "it is not a dump of PostgreSQL: neither a custom, tar or folder dump nor SQL of " +
			"pg_dump"}
	}
	return "", &restore.KindError{Found: found}
}
