package qemu

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"lifeboat/drills/instance"
)

// Describe implements instance.Described.
func (m *Machine) Describe(ctx context.Context) map[string]string {
	ctx, cancel := context.WithTimeout(ctx, describeLimit)
	defer cancel()
	facts := map[string]string{"acceleration": string(m.accel), "firmware": "bios", "format": m.drives[0].image.Format}
	if m.vm.Firmware != "" {
		facts["firmware"] = m.vm.Firmware
	}
	for _, v := range m.drives {
		for _, n := range v.layout.luks { // disk.partition, both from 1; partition 0 is all of the disk
			facts["encrypted"] = strings.TrimPrefix(fmt.Sprintf("%s, LUKS %d.%d", facts["encrypted"], v.index+1, n), ", ")
		}
	}
	m.leaveWire(ctx) // it came up
	ch, err := m.control(ctx)
	if err != nil {
		facts["control"] = "none: " + err.Error()
		return facts
	}
	facts["control"] = ch.name()
	before := time.Now()
	r, err := ch.run(ctx, instance.Command{Args: []string{"date", "-u", "+%s.%N"}})
	if seconds, perr := strconv.ParseFloat(firstLine(r.Stdout), 64); err == nil && perr == nil {
		middle := before.Add(time.Since(before) / 2)
		facts["clock_skew"] = (time.Duration(seconds*1e9) - time.Duration(middle.UnixNano())).Round(10 * time.Millisecond).String()
	}
	return facts
}
