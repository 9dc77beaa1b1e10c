package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"
)

type item struct {
	SKU      string `json:"sku"`
	Quantity int    `json:"quantity"`
}

// order is one line of the file of orders.
type order struct {
	Number  int       `json:"order"` // from 1, without a gap
	At      time.Time `json:"at"`
	Cashier string    `json:"cashier"`
	Items   []item    `json:"items"`
	Cents   int64     `json:"cents"`
	Device  string    `json:"device"` // the line by which the vendor's device signed
}

// book is the file of orders, with all of them in memory.
type book struct {
	mu     sync.Mutex
	file   *os.File
	size   int64 // of the whole lines in file
	orders []order
}

// openBook reads the file, or makes it. A last line without its end is an
// order that nobody was told about, written when the power went: it is cut
// off. Any other damage is an error.
func openBook(path string) (*book, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o640)
	if err != nil {
		return nil, fmt.Errorf("orders: %w", err)
	}
	raw, err := io.ReadAll(f)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("orders: %w", err), f.Close())
	}
	b := &book{file: f, size: int64(bytes.LastIndexByte(raw, '\n') + 1)}
	for line := range bytes.Lines(raw[:b.size]) {
		var o order
		err := json.Unmarshal(line, &o)
		if err == nil && o.Number != len(b.orders)+1 {
			err = fmt.Errorf("order %d stands there", o.Number)
		}
		if err != nil {
			return nil, errors.Join(fmt.Errorf("orders: %s:%d: %w", path, len(b.orders)+1, err), f.Close())
		}
		b.orders = append(b.orders, o)
	}
	if err := b.cut(); err != nil {
		return nil, errors.Join(fmt.Errorf("orders: %w", err), f.Close())
	}
	return b, nil
}

// cut makes the file end, and the next order begin, after the last whole line.
func (b *book) cut() error {
	if err := b.file.Truncate(b.size); err != nil {
		return err
	}
	_, err := b.file.Seek(b.size, io.SeekStart)
	return err
}

// add numbers the order and returns when it is on the disk. An order that
// could not be written is not in the book.
func (b *book) add(o order) (order, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	o.Number = len(b.orders) + 1
	line, err := json.Marshal(o)
	if err != nil {
		return o, err
	}
	line = append(line, '\n')
	if _, err = b.file.Write(line); err == nil {
		err = b.file.Sync()
	}
	if err != nil {
		return o, errors.Join(fmt.Errorf("write order: %w", err), b.cut())
	}
	b.size += int64(len(line))
	b.orders = append(b.orders, o)
	return o, nil
}

// all returns the orders, oldest first. The caller must not change them.
func (b *book) all() []order {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.orders[:len(b.orders):len(b.orders)]
}

func (b *book) count() int { return len(b.all()) }

func (b *book) close() error { return b.file.Close() }

// turnover sums orders, in cents.
func turnover(orders []order) int64 {
	var cents int64
	for _, o := range orders {
		cents += o.Cents
	}
	return cents
}
