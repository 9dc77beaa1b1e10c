package dump

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"lifeboat/drills/instance"
)

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
