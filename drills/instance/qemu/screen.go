package qemu

import (
	"bytes"
	"context"
	"fmt"
	"image/png"
	"strings"
)

// The text screen of a VGA card: 25 rows of 80 cells, each a character of code page 437 and its colours, at this
// physical address. https://wiki.osdev.org/Printing_To_Screen
const (
	textAddress = 0xb8000
	textColumns = 80
	textRows    = 25
	cellBytes   = 2
	textBytes   = textRows * textColumns * cellBytes
)

// screenshot is the machine's screen as PNG.
func (m *Machine) screenshot(ctx context.Context) ([]byte, error) {
	const name = diskDir + "/screen.png"
	b, err := m.dump(ctx, name, "screendump", map[string]any{"filename": name, "format": "png"})
	if err == nil {
		_, err = png.DecodeConfig(bytes.NewReader(b))
	}
	if err != nil {
		return nil, fmt.Errorf("dump the screen of %s: %w", m.Name(), err)
	}
	return b, nil
}

// screenText is what the text screen shows; nothing in a graphics mode.
func (m *Machine) screenText(ctx context.Context) (string, error) {
	const name = diskDir + "/screen.text"
	b, err := m.dump(ctx, name, "pmemsave", map[string]any{"val": textAddress, "size": textBytes, "filename": name})
	if err != nil {
		return "", fmt.Errorf("read the text screen of %s: %w", m.Name(), err)
	}
	return decodeScreen(b), nil
}

// dump lets QEMU write a file where it may, and fetches it.
func (m *Machine) dump(ctx context.Context, name, command string, arguments map[string]any) ([]byte, error) {
	q, err := m.qmp()
	if err != nil {
		return nil, err
	}
	if err := q.do(ctx, command, arguments, nil); err != nil {
		return nil, err
	}
	return m.body.Get(ctx, name)
}

// decodeScreen makes lines of the cells of a text screen. Memory that is no text is told by its characters.
func decodeScreen(cells []byte) string {
	var all strings.Builder
	strange, filled := 0, 0
	for row := 0; (row+1)*textColumns*cellBytes <= len(cells); row++ {
		line := make([]byte, textColumns)
		for column := range line {
			c := cells[(row*textColumns+column)*cellBytes]
			switch {
			case c == 0 || c == ' ':
				c = ' '
			case c < ' ' || c > '~': // frames of menus, and everything that is no text
				strange++
				filled++
				c = ' '
			default:
				filled++
			}
			line[column] = c
		}
		all.WriteString(strings.TrimRight(string(line), " ") + "\n")
	}
	if 3*strange > filled {
		return ""
	}
	return strings.TrimRight(all.String(), "\n")
}
