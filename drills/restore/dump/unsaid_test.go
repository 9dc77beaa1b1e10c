package dump

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"lifeboat/drills/instance"
)

// What servers repeat of a row is business data, and stays out of reports; what they say of it stays.
func TestUnsaidRows(t *testing.T) {
	for text, want := range map[string]string{
		`DETAIL:  Key (mail)=(a@example.com) already exists.`:                                                 `DETAIL:  Key (mail)=(***) already exists.`,
		`DETAIL:  Key (lower(mail))=(a (b)) is duplicated.`:                                                   `DETAIL:  Key (lower(mail))=(***) is duplicated.`,
		`DETAIL:  Key (a, b)=(1, x) is not present in table "t".`:                                             `DETAIL:  Key (a, b)=(***) is not present in table "t".`,
		`DETAIL:  Key (a)=(1) conflicts with existing key (a)=(1).`:                                           `DETAIL:  Key (a)=(***) conflicts with existing key (a)=(***).`,
		"CONTEXT:  COPY people, line 3: \"1\ta@example.com\"\nnext":                                           "CONTEXT:  COPY people, line 3: \"***\nnext",
		`CONTEXT:  COPY people, line 3, column age: "a@example.com"`:                                          `CONTEXT:  COPY people, line 3, column age: "***`,
		`CONTEXT:  COPY people, line 3, column age: null input`:                                               `CONTEXT:  COPY people, line 3, column age: null input`,
		`ERROR:  invalid input syntax for type integer: "a@example.com"`:                                      `ERROR:  invalid input syntax for type integer: "***`,
		`ERROR:  invalid input value for enum mood: "a@example.com"`:                                          `ERROR:  invalid input value for enum mood: "***`,
		`ERROR:  value "99999999999" is out of range for type integer`:                                        `ERROR:  value "***" is out of range for type integer`,
		`ERROR:  date/time field value out of range: "1970-13-01"`:                                            `ERROR:  date/time field value out of range: "***`,
		"Command was: INSERT INTO public.people VALUES (1, 'a@example.com');\n\nnext":                         "Command was: INSERT INTO public.people VALUES (***;\n\nnext",
		"LINE 1: insert into people (id, mail) values (1, 'a@example.com'":                                    "LINE 1: insert into people (id, mail) values (***",
		`ERROR 1062 (23000) at line 3: Duplicate entry 'a@example.com' for key 'mail'`:                        `ERROR 1062 (23000) at line 3: Duplicate entry '***' for key 'mail'`,
		`ERROR 1366 (22007) at line 3: Incorrect integer value: 'a@example.com' for column 'age' at row 1`:    `ERROR 1366 (22007) at line 3: Incorrect integer value: '***' for column 'age' at row 1`,
		`ERROR 1064 (42000) at line 3: for the right syntax to use near '1,'a@example.com'),(2' at line 1`:    `ERROR 1064 (42000) at line 3: for the right syntax to use near '***' at line 1`,
		`ERROR 1064 (42000) at line 3: for the right syntax to use near 'SYSTEM VERSIONING' at line 1`:        `ERROR 1064 (42000) at line 3: for the right syntax to use near 'SYSTEM VERSIONING' at line 1`,
		`ERROR:  "1234567e999" is out of range for type double precision`:                                     `ERROR:  "***" is out of range for type double precision`,
		`ERROR:  timestamp out of range: "99999999-01-01"`:                                                    `ERROR:  timestamp out of range: "***`,
		`ERROR:  time zone displacement out of range: "2020-01-01 00:00:00+99"`:                               `ERROR:  time zone displacement out of range: "***`,
		`ERROR:  time zone "a@example.com" not recognized`:                                                    `ERROR:  time zone "***`,
		`ERROR:  invalid cidr value: "192.168.1.77/24"`:                                                       `ERROR:  invalid cidr value: "***`,
		`ERROR:  syntax error in tsquery: "a@example.com & & x"`:                                              `ERROR:  syntax error in tsquery: "***`,
		"ERROR:  invalid XML content\nLINE 1: x\nDETAIL:  line 1: Opening and ending\n<a>a@example.com</b>\n": "ERROR:  invalid XML content\nLINE 1: x\nDETAIL:  line 1: Opening and ending\n***\n",
		`ERROR 1292 (22007) at line 23: Truncated incorrect DOUBLE value: 'a@example.com'`:                    `ERROR 1292 (22007) at line 23: Truncated incorrect DOUBLE value: '***'`,
		`ERROR 1526 (HY000) at line 44: Table has no partition for value 98769876`:                            `ERROR 1526 (HY000) at line 44: Table has no partition for value ***`,
		"LINE 1: ...040953+00', '{a,b}', 'a@example.com');\nnext":                                             "LINE 1: ...***\nnext",
		`ERROR:  relation "people" already exists`:                                                            `ERROR:  relation "people" already exists`,
		`ERROR:  column "value" is invalid`:                                                                   `ERROR:  column "value" is invalid`,
		"DETAIL:  Failing row contains (1, a@example.com).\nCONTEXT:  COPY":                                   "DETAIL:  Failing row contains (***).\nCONTEXT:  COPY",
		// A value has lines of its own, semicolons and quotes.
		"CONTEXT:  COPY p, line 3, column note: \"one\na@example.com\"\npsql:":                         "CONTEXT:  COPY p, line 3, column note: \"***\"\npsql:",
		"CONTEXT:  COPY p, line 3, column note: \"one\na@example.com\"":                                "CONTEXT:  COPY p, line 3, column note: \"***",
		"DETAIL:  Key (note)=(one\na@example.com) already exists.":                                     "DETAIL:  Key (note)=(***) already exists.",
		"DETAIL:  Key (note)=(one).\na@example.com) already exists.":                                   "DETAIL:  Key (note)=(***) already exists.",
		"DETAIL:  Key (note)=(Smith (old) moved to Paris) already exists.":                             "DETAIL:  Key (note)=(***) already exists.",
		"DETAIL:  Schlüssel (note)=(a@example.com) existiert bereits.":                                 "DETAIL:  Schlüssel (note)=(***",
		"DETAIL:  Failing row contains (1, one).\na@example.com).\nCONTEXT:  COPY":                     "DETAIL:  Failing row contains (***).\nCONTEXT:  COPY",
		"DETAIL:  Failing row contains (1, one\na@example.com":                                         "DETAIL:  Failing row contains (***",
		"ERROR:  invalid input syntax for type integer: \"one\na@example.com\"\nLINE 1: INSERT":        "ERROR:  invalid input syntax for type integer: \"***\"\nLINE 1: INSERT",
		"ERROR 1062 (23000): Duplicate entry 'one\na@example.com' for key 'mail'":                      "ERROR 1062 (23000): Duplicate entry '***' for key 'mail'",
		"ERROR 1062 (23000): Duplicate entry 'a@example":                                               "ERROR 1062 (23000): Duplicate entry '***",
		"for the right syntax to use near 'Reilly of\nParis') /*' at line 1":                           "for the right syntax to use near '***' at line 1",
		"for the right syntax to use near 'Reilly of":                                                  "for the right syntax to use near '***",
		"Command was: INSERT INTO p VALUES (1, 'one;\na@example.com;\n', 'it''s;\nb');\n\nnext":        "Command was: INSERT INTO p VALUES (***;\n\nnext",
		"Command was: INSERT INTO p VALUES (1, 'c:\\');\n\nINSERT INTO q VALUES ('x;\ny@z');\nnext":    "Command was: INSERT INTO p VALUES (***",
		"INSERT INTO p VALUES ('o\\'one;\na@example.com;\n');\nnext":                                   "INSERT INTO p VALUES (***",
		"INSERT  IGNORE INTO `p` VALUES (1,'a@example.com');\nnext":                                    "INSERT  IGNORE INTO `p` VALUES (***;\nnext",
		"REPLACE INTO `p` VALUES (1,'a@example.com');":                                                 "REPLACE INTO `p` VALUES (***;",
		"INSERT INTO p (" + strings.Repeat("column_of_many, ", 40) + "z) VALUES (1, 'a@example.com');": "INSERT INTO p (" + strings.Repeat("column_of_many, ", 40) + "z) VALUES (***;",
	} {
		assert.Equal(t, want, Unsaid(text))
	}
}

// What a program repeats of a dump holds no password of production, and what it says of itself stays.
func TestUnsaid(t *testing.T) {
	for text, want := range map[string]string{
		`OPTIONS ("user" 'app', password 'hunter2')`:                            `OPTIONS ("user" 'app', password '***')`,
		`OPTIONS (password 'hun''ter2', x 'y')`:                                 `OPTIONS (password '***', x 'y')`,
		`dblink('host=prod password=hunter2 dbname=x'::text)`:                   `dblink('host=prod password=*** dbname=x'::text)`,
		`dblink('host=prod password=hunter2'::text)`:                            `dblink('host=prod password=***'::text)`,
		`dblink('host=prod password=''hunter 2'' dbname=x')`:                    `dblink('host=prod password='***' dbname=x')`,
		`CONNECTION='mysql://app:hunter2@prod/db/t'`:                            `CONNECTION='mysql://app:***@prod/db/t'`,
		`CONNECTION 'postgresql://app:hunter2@prod/db' PUBLICATION p`:           `CONNECTION 'postgresql://app:***@prod/db' PUBLICATION p`,
		`ALTER ROLE a PASSWORD 'SCRAM-SHA-256$4096:x`:                           `ALTER ROLE a PASSWORD '***'`,
		`CREATE USER a IDENTIFIED BY PASSWORD '*AB12'`:                          `CREATE USER a IDENTIFIED BY PASSWORD '***'`,
		`CREATE USER a IDENTIFIED WITH caching_sha2_password AS 'x''y' REQUIRE`: `CREATE USER a IDENTIFIED WITH caching_sha2_password AS '***' REQUIRE`,
		`FATAL:  password authentication failed for user "a"`:                   `FATAL:  password authentication failed for user "a"`,
		`relation "token" does not exist`:                                       `relation "token" does not exist`,
		`column t.password of relation "x" does not exist`:                      `column t.password of relation "x" does not exist`,
	} {
		assert.Equal(t, want, Unsaid(text))
	}
	assert.NotContains(t, FirstError(instance.Result{Stderr: "x: error: y\nCommand was: CREATE USER MAPPING FOR a SERVER s OPTIONS (password 'hunter2')"}), "hunter2")
}
