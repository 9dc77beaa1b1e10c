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
