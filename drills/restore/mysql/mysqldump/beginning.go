package mysqldump

import (
	"bytes"
	"strings"

	"lifeboat/internal/lazy"
)

var (
	named = lazy.Regexp(`(?m)^-- Host: \S*\s+Database: (\S.*?)\s*$`)
	names = lazy.Regexp(`(?im)^(?:/\*!\d+ )?SET NAMES '?([a-z0-9_]+)'?`)
)

// Beginning tells what the texts of a dump are in ("": it is not said), and what database its header names.
func Beginning(head []byte) (charset, database string) {
	if m := named().FindSubmatch(head); m != nil {
		database = string(m[1])
	}
	if m := names().FindSubmatch(head); m != nil {
		charset = strings.ToLower(string(m[1]))
	}
	return charset, database
}

// Looks tells whether a text without a header begins as dumps without comments do.
func Looks(head []byte) bool {
	for line := range bytes.Lines(head) {
		line = bytes.TrimSpace(line)
		if len(line) == 0 || bytes.HasPrefix(line, []byte("--")) {
			continue
		}
		upper := bytes.ToUpper(line)
		for _, begin := range []string{"/*!", "/*M!", "DROP TABLE IF EXISTS `", "CREATE TABLE `", "CREATE DATABASE ", "USE `", "INSERT INTO `", "SET NAMES ",
			"SET @SAVED_CS_CLIENT", "SET @MYSQLDUMP", "SET @OLD_", "LOCK TABLES `", "CREATE SEQUENCE `"} {
			if bytes.HasPrefix(upper, []byte(begin)) {
				return true
			}
		}
		return false
	}
	return false
}
