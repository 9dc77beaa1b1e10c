package qemu

import (
	"bytes"
	"context"
	"fmt"
	"image/png"
	"strconv"
	"strings"
)

// The text memory of a VGA card, at this physical address: rows of 80 cells, each a character of code page 437 and its
// colours. 25 rows are shown; Linux scrolls by letting the window wander through the whole memory, and starts again at
// the top with a copy of it (drivers/video/console/vgacon.c). https://wiki.osdev.org/Printing_To_Screen
const (
	textAddress = 0xb8000
	textBytes   = 32 << 10
	textColumns = 80
	textRows    = 25
	cellBytes   = 2
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
	q, err := m.qmp(ctx)
	if err != nil {
		return nil, err
	}
	if err := q.do(ctx, command, arguments, nil); err != nil {
		return nil, err
	}
	return m.hypervisor.Get(ctx, name)
}

// decodeScreen makes lines of the cells that are shown. Memory that is no text is told by its characters.
func decodeScreen(cells []byte) string {
	var rows []string
	strange, filled := 0, 0
	for len(cells) >= textColumns*cellBytes {
		line := make([]byte, textColumns)
		for column := range line {
			c := cells[column*cellBytes]
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
		rows, cells = append(rows, strings.TrimRight(string(line), " ")), cells[textColumns*cellBytes:]
	}
	if 3*strange > filled {
		return ""
	}
	var text strings.Builder
	for _, row := range window(rows) {
		text.WriteString(row)
		if len(row) < textColumns { // else the line goes on in the next row
			text.WriteByte('\n')
		}
	}
	return strings.TrimRight(text.String(), "\n")
}

// window picks the rows that are shown, and what stands around them that is not older. Where the window is, only the
// card knows; the kernel's latest time stamp is in it.
func window(rows []string) []string {
	latest, stamp := -1, 0.0
	for i, row := range rows {
		if s, stamped := stampOf(row); stamped && s >= stamp {
			latest, stamp = i, s
		}
	}
	if latest < 0 {
		return rows[:min(textRows, len(rows))]
	}
	end := latest + 1
	for end < min(len(rows), latest+textRows) {
		if _, stamped := stampOf(rows[end]); stamped {
			break // left from before the window came by again
		}
		end++
	}
	return rows[max(0, latest+1-textRows):end]
}

// stampOf is the time of a kernel message, seconds.
func stampOf(row string) (seconds float64, stamped bool) {
	stamp := strings.TrimSpace(strings.Trim(strings.TrimSpace(kernelStamp().FindString(row)), "[]"))
	seconds, err := strconv.ParseFloat(stamp, 64)
	return seconds, err == nil
}
