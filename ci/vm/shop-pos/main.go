// Command shop-pos is the business of the demo's customer VM: the order
// service of a shop's tills. An order is signed by the device of a third-party
// kernel module, so after a kernel upgrade that lost the module the service
// runs, is healthy by its own account, and refuses every order.
package main

import (
	"errors"
	"fmt"
	"log"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"
)

const configPath = "/etc/shop-pos/shop-pos.conf"

func main() {
	log.SetFlags(0)
	if err := run(os.Args[1:]); err != nil {
		log.Fatal("shop-pos: ", err)
	}
}

func run(args []string) error {
	switch {
	case len(args) == 1 && args[0] == "serve":
		return serve(configPath)
	case len(args) == 1 && args[0] == "report":
		return report(configPath, time.Now())
	case len(args) == 3 && args[0] == "seed":
		count, err := strconv.Atoi(args[1])
		if err != nil {
			return fmt.Errorf("seed: %w", err)
		}
		return seed(os.Stdout, count, args[2], time.Now())
	}
	return errors.New("usage: shop-pos serve | report | seed COUNT DEVICE-LINE")
}

func serve(path string) error {
	c, err := readConfig(path)
	if err != nil {
		return err
	}
	book, err := openBook(c.orders)
	if err != nil {
		return err
	}
	defer book.close()
	if _, err := os.Stat(c.device); err != nil {
		log.Printf("orders will be refused: %v", err)
	}
	log.Printf("listening on %s, %d orders in %s", c.listen, book.count(), c.orders)
	server := &http.Server{Addr: c.listen, Handler: newShop(c, book), ReadHeaderTimeout: 10 * time.Second}
	return server.ListenAndServe()
}

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
