package mysqldump

import (
	"bytes"
	"strconv"
	"strings"

	"lifeboat/internal/lazy"
)

var (
	named     = lazy.Regexp(`(?m)^-- Host: \S*\s+Database: (\S.*?)\s*$`)
	positions = lazy.Regexp(`(?m)^(?:-- )?CHANGE (?:MASTER|REPLICATION SOURCE) .*?(?:MASTER|SOURCE)_LOG_FILE='([^']+)', ?(?:MASTER|SOURCE)_LOG_POS=(\d+)`)
	names     = lazy.Regexp(`(?im)^(?:/\*!\d+ )?SET NAMES '?([a-z0-9_]+)'?`)
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

// At is where a dump is in the binary logs of the server that was dumped, or of its master. ok is false where it does not say so, or says several.
func At(head []byte) (file string, offset int64, ok bool) {
	for _, m := range positions().FindAllSubmatch(head, -1) {
		n, err := strconv.ParseInt(string(m[2]), 10, 64)
		if err != nil || ok && (file != string(m[1]) || offset != n) {
			return "", 0, false
		}
		file, offset, ok = string(m[1]), n, true
	}
	return file, offset, ok
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
