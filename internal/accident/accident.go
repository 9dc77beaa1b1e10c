// Package accident is what happens to backups: tests make broken ones of good ones with it.
package accident

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"strings"
)

// Func makes other bytes of bytes, which are its own to change. Its error says that there was nothing to which it could happen.
type Func func(raw []byte) ([]byte, error)

// Of has it happen to a copy.
func (f Func) Of(raw []byte) ([]byte, error) { return f(bytes.Clone(raw)) }

// None leaves everything as it is.
func None(raw []byte) ([]byte, error) { return raw, nil }

// Keep keeps the first n bytes.
func Keep(n int) Func {
	return func(raw []byte) ([]byte, error) { return raw[:n], nil }
}

// Share keeps a part, from the beginning.
func Share(part float64) Func {
	return func(raw []byte) ([]byte, error) { return raw[:int(part*float64(len(raw)))], nil }
}

// Drop loses the last n bytes.
func Drop(n int) Func {
	return func(raw []byte) ([]byte, error) { return raw[:len(raw)-n], nil }
}

// Be puts something else in its place.
func Be(content string) Func {
	return func([]byte) ([]byte, error) { return []byte(content), nil }
}

// Add puts more behind it.
func Add(more string) Func {
	return func(raw []byte) ([]byte, error) { return append(raw, more...), nil }
}

// Before puts more before it.
func Before(more string) Func {
	return func(raw []byte) ([]byte, error) { return append([]byte(more), raw...), nil }
}

// Twice is it behind itself.
func Twice(raw []byte) ([]byte, error) { return append(raw, raw...), nil }

// Flip turns one bit, so far from the beginning: 0 to 1.
func Flip(at float64) Func {
	return func(raw []byte) ([]byte, error) {
		raw[int(at*float64(len(raw)))] ^= 0x10
		return raw, nil
	}
}

// FlipByte turns one bit of a byte; with n < 0 it is counted from the end.
func FlipByte(n int) Func {
	return func(raw []byte) ([]byte, error) {
		if n < 0 {
			n += len(raw)
		}
		raw[n] ^= 0x10
		return raw, nil
	}
}

// Zero fills a part with zeros, as a disk does that lost a write: from and to are shares of the whole.
func Zero(from, to float64) Func {
	return func(raw []byte) ([]byte, error) {
		clear(raw[int(from*float64(len(raw))):int(to*float64(len(raw)))])
		return raw, nil
	}
}

// Swap puts one text for another, n times; 0: everywhere.
func Swap(old, new string, n int) Func {
	return func(raw []byte) ([]byte, error) {
		if !bytes.Contains(raw, []byte(old)) {
			return nil, fmt.Errorf("find %q to swap: it is not there", old)
		}
		n = cmp.Or(n, -1)
		return bytes.Replace(raw, []byte(old), []byte(new), n), nil
	}
}

// CutAt cuts so many bytes behind the beginning of a text; the last one with n < 0.
func CutAt(text string, n, behind int) Func {
	return func(raw []byte) ([]byte, error) {
		at := bytes.Index(raw, []byte(text))
		if n < 0 {
			at = bytes.LastIndex(raw, []byte(text))
		}
		if at < 0 {
			return nil, fmt.Errorf("find %q to cut at: it is not there", text)
		}
		return raw[:at+behind], nil
	}
}

// From loses what stands before a text.
func From(text string) Func {
	return func(raw []byte) ([]byte, error) {
		at := bytes.Index(raw, []byte(text))
		if at < 0 {
			return nil, fmt.Errorf("find %q to begin at: it is not there", text)
		}
		return raw[at:], nil
	}
}

// All are several, one after the other.
func All(list ...Func) Func {
	return func(raw []byte) (_ []byte, err error) {
		for _, f := range list {
			if raw, err = f(raw); err != nil {
				return nil, err
			}
		}
		return raw, nil
	}
}

// FlipTarHeader damages the header of the second file in a tar; a byte within a file's content may go unseen.
func FlipTarHeader(raw []byte) ([]byte, error) {
	const block, magic = 512, 257
	for at := block; at+block <= len(raw); at += block {
		if bytes.HasPrefix(raw[at+magic:], []byte("ustar")) {
			raw[at+1] ^= 0x10
			return raw, nil
		}
	}
	return nil, errors.New("find the header of a second file in the tar: there is none")
}

// FlipOffset changes the position of a table's first data in the table of contents of an archive of pg_dump -Fc -f: a known position is
// a 2 and eight bytes.
func FlipOffset(table string) Func {
	return func(raw []byte) ([]byte, error) {
		at := bytes.Index(raw, []byte("COPY "+table))
		for ; at >= 0 && at+9 <= len(raw); at++ {
			if raw[at] == 2 && raw[at+1] != 0 && bytes.Equal(raw[at+4:at+9], make([]byte, 5)) {
				raw[at+1] ^= 1
				return raw, nil
			}
		}
		return nil, fmt.Errorf("find where the data of %s begin: its table of contents does not say", table)
	}
}

// Comments makes a plain dump begin with 66 MiB of them.
func Comments(raw []byte) ([]byte, error) {
	return Before("-- PostgreSQL database dump\n" + strings.Repeat("-- "+strings.Repeat("x", 1020)+"\n", 66<<10))(raw)
}
