package main

import (
	"fmt"
	"os"
	"strings"
)

// config is what the configuration file says.
type config struct {
	listen   string            // address of the HTTP service
	device   string            // that signs orders
	orders   string            // file of the orders, one JSON object to a line
	report   string            // file of the turnover
	cashiers map[string]string // name to PIN
}

func readConfig(path string) (config, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return config{}, fmt.Errorf("configuration: %w", err)
	}
	c := config{cashiers: map[string]string{}}
	single := map[string]*string{"listen": &c.listen, "device": &c.device, "orders": &c.orders, "report": &c.report}
	for i, line := range strings.Split(string(raw), "\n") {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		key, value, ok := strings.Cut(line, "=")
		key, value = strings.TrimSpace(key), strings.TrimSpace(value)
		field := single[key]
		name, pin, isCashier := strings.Cut(value, ":")
		switch {
		case ok && field != nil:
			*field = value
		case ok && key == "cashier" && isCashier:
			c.cashiers[name] = pin
		default:
			return config{}, fmt.Errorf("configuration: %s:%d: %q is not understood", path, i+1, line)
		}
	}
	for key, field := range single {
		if *field == "" {
			return config{}, fmt.Errorf("configuration: %s: %s is missing", path, key)
		}
	}
	return c, nil
}
