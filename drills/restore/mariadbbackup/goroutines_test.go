package mariadbbackup

import (
	"testing"

	"lifeboat/internal/goroutines"
)

func TestMain(m *testing.M) { goroutines.Main(m) }
