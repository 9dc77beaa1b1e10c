package main

import (
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"time"
)

// seed writes count orders of the days before now, signed by the line given;
// the same count sells the same goods every time.
func seed(w io.Writer, count int, device string, now time.Time) error {
	random := rand.New(rand.NewPCG(1, 0))
	names := []string{"anna", "bert"}
	const pause = 7 * time.Minute
	encoder := json.NewEncoder(w)
	for i := range count {
		items := make([]item, 1+random.IntN(3))
		for j := range items {
			items[j] = item{SKU: catalogue[random.IntN(len(catalogue))].SKU, Quantity: 1 + random.IntN(4)}
		}
		cents, _ := price(items)
		err := encoder.Encode(order{
			Number: i + 1, At: now.Add(-pause * time.Duration(count-i)).UTC().Truncate(time.Second),
			Cashier: names[random.IntN(len(names))], Items: items, Cents: cents, Device: device,
		})
		if err != nil {
			return fmt.Errorf("seed: %w", err)
		}
	}
	return nil
}

// report writes the turnover as it stands into the configured file: the job
// of shop-report.timer.
func report(path string, now time.Time) error {
	c, err := readConfig(path)
	if err != nil {
		return err
	}
	// openBook would cut what the running service is just writing.
	raw, err := os.Open(c.orders)
	if err != nil {
		return fmt.Errorf("report: %w", err)
	}
	defer raw.Close()
	var orders []order
	for d := json.NewDecoder(raw); ; {
		var o order
		err := d.Decode(&o)
		if err == io.EOF || err == io.ErrUnexpectedEOF {
			break
		}
		if err != nil {
			return fmt.Errorf("report: %s: %w", c.orders, err)
		}
		orders = append(orders, o)
	}
	line, err := json.Marshal(map[string]any{"at": now.UTC(), "count": len(orders), "cents": turnover(orders)})
	if err != nil {
		return fmt.Errorf("report: %w", err)
	}
	// Readers see the old report or the new one, never half of one.
	if err := os.WriteFile(c.report+".new", append(line, '\n'), 0o640); err != nil {
		return fmt.Errorf("report: %w", err)
	}
	return os.Rename(c.report+".new", c.report)
}

// good is one thing that is sold.
type good struct {
	SKU   string `json:"sku"`
	Name  string `json:"name"`
	Cents int64  `json:"cents"` // price of one
}

var catalogue = []good{
	{"tea-100", "Green tea, 100 g", 590},
	{"tea-250", "Green tea, 250 g", 1290},
	{"pot-1", "Teapot, cast iron", 4900},
	{"cup-2", "Cups, pair", 1850},
	{"tin-1", "Tin, small", 350},
	{"sieve-1", "Sieve", 420},
	{"honey-1", "Honey, 500 g", 780},
	{"card-1", "Gift card", 2500},
}

// price returns what items cost together, in cents, and whether all of them
// are in the catalogue in a quantity of 1 to 99.
func price(items []item) (int64, bool) {
	var total int64
	for _, i := range items {
		found := false
		for _, g := range catalogue {
			if g.SKU == i.SKU && i.Quantity > 0 && i.Quantity < 100 {
				total += g.Cents * int64(i.Quantity)
				found = true
			}
		}
		if !found {
			return 0, false
		}
	}
	return total, len(items) > 0
}
