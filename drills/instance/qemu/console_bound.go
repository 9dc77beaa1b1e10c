package qemu

import (
	"fmt"
	"time"
)

// A guest that prints without end must not fill the host: of more than consoleMost bytes the last consoleKept stay.
const (
	consoleMost = 256 << 20
	consoleKept = 16 << 20
)

// boundConsole is a line of shell that looks after the console's file while the machine runs. QEMU appends to it, wherever
// its end is.
func boundConsole(log string, most, kept int64, every time.Duration) string {
	return fmt.Sprintf(`while sleep %[4]g; do s=$(stat -c %%s %[1]s 2>/dev/null) && [ "$s" -gt %[2]d ] && `+
		`tail -c %[3]d %[1]s >%[1]s.end && : >%[1]s && cat %[1]s.end >>%[1]s; rm -f %[1]s.end; done &`+"\n", log, most, kept, every.Seconds())
}
