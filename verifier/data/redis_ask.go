package data

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"lifeboat/internal/resp"
)

// sizes are the commands that read a key by its type. Others are a module's: of those it is only asked whether they are there.
var sizes = map[string]string{"string": "STRLEN", "list": "LLEN", "set": "SCARD", "hash": "HLEN", "zset": "ZCARD", "stream": "XLEN"}

const (
	scanPiece = 1000
	// mostLooked is how many keys of a database are looked at one by one; all of them are counted.
	mostLooked = 1 << 20
)

func (c *redis) look(ctx context.Context, conn *resp.Conn, seen *kept) error {
	number := 0
	if c.keys.Database != nil {
		number = *c.keys.Database
	}
	if !c.whole() {
		if _, err := conn.Do(ctx, "SELECT", strconv.Itoa(number)); err != nil {
			return err
		}
	}
	switch {
	case c.keys.Pattern != "":
		n, err := count(ctx, conn, c.keys.Pattern)
		seen.Matched = &n
		return err
	case c.keys.Key != "":
		return c.one(ctx, conn, seen)
	}
	return c.all(ctx, conn, seen)
}

// count the keys of a pattern. A scan may tell of a key twice.
func count(ctx context.Context, conn *resp.Conn, pattern string) (int64, error) {
	met := map[string]struct{}{}
	err := scan(ctx, conn, []string{"MATCH", pattern}, func(keys []string) (bool, error) {
		for _, k := range keys {
			met[k] = struct{}{}
		}
		return len(met) < mostLooked, nil
	})
	return int64(len(met)), err
}

// scan goes through the keys of the selected database until it is told to stop.
func scan(ctx context.Context, conn *resp.Conn, more []string, each func(keys []string) (bool, error)) error {
	cursor := "0"
	for {
		answer, err := conn.Do(ctx, append([]string{"SCAN", cursor, "COUNT", strconv.Itoa(scanPiece)}, more...)...)
		if err != nil {
			return err
		}
		pair, _ := answer.([]any)
		if len(pair) != 2 {
			return errors.New("the server's scan is none")
		}
		next, _ := pair[0].(string)
		list, _ := pair[1].([]any)
		keys := make([]string, 0, len(list))
		for _, k := range list {
			if s, ok := k.(string); ok {
				keys = append(keys, s)
			}
		}
		goOn, err := each(keys)
		if err != nil || !goOn || next == "0" || next == "" {
			return err
		}
		cursor = next
	}
}

// one looks at a key.
func (c *redis) one(ctx context.Context, conn *resp.Conn, seen *kept) error {
	answers, err := conn.Pipe(ctx, [][]string{{"TYPE", c.keys.Key}, {"PTTL", c.keys.Key}})
	if err != nil {
		return err
	}
	for _, a := range answers {
		if e, ok := a.(*resp.Error); ok {
			return e
		}
	}
	f := &oneKey{}
	f.Type, _ = answers[0].(string)
	f.TTL, _ = answers[1].(int64)
	seen.Found = f
	switch f.Type {
	case "none":
		f.Type = ""
	case "string":
		answer, err := conn.Do(ctx, "GET", c.keys.Key)
		if err != nil {
			return err
		}
		if c.keys.Equals != nil || c.keys.MaxAge > 0 { // else it was only read: what nobody asks about is the business's own
			f.Value, _ = answer.(string)
		}
	}
	return nil
}

// all reads every database that holds keys, or the one that is named.
func (c *redis) all(ctx context.Context, conn *resp.Conn, seen *kept) error {
	info, err := conn.Info(ctx, "keyspace")
	if err != nil {
		return err
	}
	held := map[int]keyspace{}
	for name, value := range info { // db0:keys=3,expires=1,avg_ttl=0
		d := keyspace{Types: map[string]int64{}}
		if _, err := fmt.Sscanf(name, "db%d", &d.Number); err != nil {
			continue
		}
		if _, err := fmt.Sscanf(value, "keys=%d,expires=%d", &d.Keys, &d.Expiring); err != nil {
			return errNoKeyspace
		}
		if c.keys.Database == nil || *c.keys.Database == d.Number {
			held[d.Number] = d
		}
	}
	for _, n := range slices.Sorted(maps.Keys(held)) {
		d := held[n]
		if err := d.read(ctx, conn); err != nil {
			return err
		}
		seen.Databases = append(seen.Databases, d)
	}
	return nil
}

// read looks at the keys of a database, each by its type.
func (d *keyspace) read(ctx context.Context, conn *resp.Conn) error {
	if _, err := conn.Do(ctx, "SELECT", strconv.Itoa(d.Number)); err != nil {
		return err
	}
	return scan(ctx, conn, nil, func(keys []string) (bool, error) {
		if len(keys) == 0 {
			return true, nil
		}
		asked := make([][]string, len(keys))
		for i, k := range keys {
			asked[i] = []string{"TYPE", k}
		}
		types, err := conn.Pipe(ctx, asked)
		if err != nil {
			return false, err
		}
		for i, k := range keys {
			asked[i] = []string{"EXISTS", k}
			if of, ok := types[i].(string); ok && sizes[of] != "" {
				asked[i] = []string{sizes[of], k}
			}
		}
		answers, err := conn.Pipe(ctx, asked)
		if err != nil {
			return false, err
		}
		for i := range keys {
			d.take(types[i], answers[i])
		}
		return d.Looked < mostLooked, nil
	})
}

// take what a key answered: one that is none by now has expired.
func (d *keyspace) take(of, answer any) {
	name, _ := of.(string)
	if e, ok := of.(*resp.Error); ok {
		name, answer = "unknown", e
	}
	if name == "none" {
		return
	}
	d.Looked++
	d.Types[name]++
	if e, ok := answer.(*resp.Error); ok && d.Wrong == "" && !strings.HasPrefix(e.Text, "WRONGTYPE") { // it became another one meanwhile
		d.Wrong, d.Of = e.Text, name
	}
}
