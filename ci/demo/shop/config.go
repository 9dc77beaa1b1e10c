package main

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"
)

// Where the shop finds its database when the environment says nothing. The passwords are those
// that ci/demo/backup.sh gives the roles.
const (
	appDatabase   = "postgres://shop_app:demo-shop-app@db:5432/shop?sslmode=disable"
	ownerDatabase = "postgres://shop_owner:demo-shop-owner@db:5432/shop?sslmode=disable"
)

// config is what the configuration file says.
type config struct {
	Pepper  string        // mixed into passwords before they are hashed
	Shelf   string        // the shelf that is on sale
	Session time.Duration // how long a log-in lasts
}

// readConfig reads "key = value" lines. A missing file gives the defaults and found is false:
// this is how real programs behave when a backup image lacks its configuration folder, and
// what the scenario backup-without-config is about.
func readConfig(name string) (c config, found bool, err error) {
	c = config{Session: time.Hour}
	f, err := os.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return c, false, nil
	}
	if err != nil {
		return c, false, fmt.Errorf("read configuration: %w", err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if err := c.set(line); err != nil {
			return c, true, fmt.Errorf("read configuration: %s:%d: %w", name, n, err)
		}
	}
	return c, true, lines.Err()
}

func (c *config) set(line string) error {
	key, value, ok := strings.Cut(line, "=")
	if !ok {
		return errors.New("a line is written key = value")
	}
	value = strings.TrimSpace(value)
	switch key = strings.TrimSpace(key); key {
	case "pepper":
		c.Pepper = value
	case "shelf":
		c.Shelf = value
	case "session":
		d, err := time.ParseDuration(value)
		if err != nil || d <= 0 {
			return fmt.Errorf("session %q is not a length of time such as 12h", value)
		}
		c.Session = d
	default:
		return fmt.Errorf("there is no setting %q", key)
	}
	return nil
}

// setting is the environment's value, or the default.
func setting(name, otherwise string) string {
	if v := os.Getenv(name); v != "" {
		return v
	}
	return otherwise
}
