package qemu

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
	"time"

	"lifeboat/drills/instance"
	"lifeboat/drills/record"
	"lifeboat/internal/lazy"
)

// formats of images, and QEMU's drivers for them.
var formats = map[string]string{
	"qcow2": "qcow2", "raw": "raw", "vmdk": "vmdk", "vdi": "vdi", "vhd": "vpc", "vhdx": "vhdx",
}

const (
	inspectLimit = 3 * time.Minute     // qemu-img check reads all metadata
	looked       = diskDir + "/looked" // qemu-img has said what there is to say
	// maxVirtual: a larger disk is more likely a mistake or a trap than a backup; ext4 ends at 16 TiB.
	maxVirtual = 8 << 40
)

// look is what qemu-img says of an image, when it opens nothing but the image.
type look struct {
	Format       string `json:"format"`
	Virtual      int64  `json:"virtual-size"`
	Encrypted    bool   `json:"encrypted"`
	Backing      string `json:"backing-filename"`
	FormatDetail struct {
		Data struct {
			DataFile string `json:"data-file"`
			Extents  []struct {
				Filename string `json:"filename"`
			} `json:"extents"`
			Encrypt json.RawMessage `json:"encrypt"`
		} `json:"data"`
	} `json:"format-specific"`
}

// inspection is the script that looks at the images. Nothing of the host is in that container but the
// images themselves, so one that points elsewhere points at nothing.
func inspection(drives []*drive) (string, error) {
	var b strings.Builder
	for _, v := range drives {
		node := v.imageNode()
		graph, err := json.Marshal(node)
		if err != nil {
			return "", err
		}
		beginning, err := json.Marshal(map[string]any{"driver": "raw", "read-only": true, "offset": 0, "size": headBytes, "file": node})
		if err != nil {
			return "", err
		}
		image := quote("json:" + string(graph))
		fmt.Fprintf(&b, "qemu-img info --output=json %s >%s 2>%s\necho $? >%s\n", image, v.said("info.json"), v.said("info.err"),
			v.said("info.exit"))
		if v.image.Format == "raw" || v.image.Format == "vhd" { // these have no redundancy that could be checked
			fmt.Fprintf(&b, "echo 0 >%s\n: >%s\n", v.said("check.exit"), v.said("check.err"))
		} else {
			fmt.Fprintf(&b, "qemu-img check %s >%s 2>&1\necho $? >%s\n", image, v.said("check.err"), v.said("check.exit"))
		}
		// A disk may be shorter than its beginning.
		fmt.Fprintf(&b, "qemu-img convert -q -O raw %s %s 2>/dev/null\n", quote("json:"+string(beginning)), v.head())
	}
	// Once is enough: at every later start it would cost the time to read all metadata again.
	return "if [ ! -e " + looked + " ]; then\n" + b.String() + ": >" + looked + "\nfi\n", nil
}

// inspect refuses an image that is damaged or points outside the backup.
func (m *Machine) inspect(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, inspectLimit)
	defer cancel()
	for _, v := range m.drives {
		if bad := headerFlaw(v.image.Format, v.image.Disk); bad.words != "" {
			return m.unbootable(v, bad)
		}
	}
	script, err := inspection(m.drives)
	if err != nil {
		return err
	}
	if err := m.putScript(ctx, script+waitForGo); err != nil {
		return err
	}
	if err := m.hypervisor.Start(ctx); err != nil {
		return fmt.Errorf("look at the disk of %s: %w", m.Name(), notTheBackup(err))
	}
	for {
		_, err := m.hypervisor.Get(ctx, looked)
		if err == nil {
			break
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("look at the disk of %s: %w", m.Name(), err)
		}
		if s, err := m.hypervisor.State(ctx); err != nil || !s.Running {
			return fmt.Errorf("look at the disk of %s: qemu-img ended early: %s", m.Name(), s.Reason)
		}
		if err := instance.Pause(ctx, askPause); err != nil {
			return fmt.Errorf("look at the disk of %s: %w", m.Name(), err)
		}
	}
	for _, v := range m.drives {
		bad, err := m.judgeDrive(ctx, v)
		if err != nil {
			return fmt.Errorf("look at the disk of %s: %w", m.Name(), err)
		}
		if failed := m.diskFailed(); failed != nil { // where it lies could not be read: no word on the backup
			return failed
		}
		if bad.words != "" {
			return m.unbootable(v, bad)
		}
	}
	return nil
}

// unbootable is the finding on an image that is not booted.
func (m *Machine) unbootable(v *drive, bad flaw) error {
	return &instance.BootError{Instance: m.Name(), Reason: "the disk image " + bad.words, Lack: bad.lack, Backup: v.image.Name}
}

// judgeDrive says what is wrong with an image, or nothing.
func (m *Machine) judgeDrive(ctx context.Context, v *drive) (bad flaw, err error) {
	var text [5]string
	for i, name := range []string{"info.exit", "info.err", "info.json", "check.exit", "check.err"} {
		b, err := m.hypervisor.Get(ctx, v.said(name))
		if err != nil {
			return flaw{}, fmt.Errorf("read what qemu-img says: %w", err)
		}
		text[i] = strings.TrimSpace(string(b))
	}
	v.virtual, bad, err = judgeLook(v.image.Format, v.backup(), text)
	if err != nil || bad.words != "" {
		return bad, err
	}
	v.layout = m.readDisk(ctx, v)
	if v.index == 0 {
		bad = v.layout.unfit(m.vm.Firmware)
	}
	if h, ok := readVHD(v.image.Disk); ok && v.image.Format == "vhd" && bad.words == "" {
		bad = h.differs(v.virtual, v.layout)
	}
	return bad, nil
}

// judgeLook judges the exit code, the words and the facts of qemu-img info, and the exit code and the words of qemu-img
// check. An error: qemu-img did not come to its end, which says nothing about the image.
func judgeLook(format, path string, text [5]string) (virtual int64, bad flaw, err error) {
	for _, i := range []int{0, 3} {
		if e, err := strconv.Atoi(text[i]); err != nil || e >= exitShell {
			return 0, flaw{}, fmt.Errorf("qemu-img ended with exit code %q: %s", text[i], plain(text[i+1]))
		}
	}
	if text[0] != "0" {
		if mustReplay().MatchString(text[1]) {
			return 0, flaw{"was copied while it was in use: its log must be replayed first", record.LackReplay}, nil
		}
		if !ofTheImage().MatchString(text[1]) {
			return 0, flaw{}, fmt.Errorf("qemu-img cannot open it as %s, which may be the fault of the image, of this QEMU or of "+
				"the host: %s", format, plain(text[1]))
		}
		return 0, flaw{words: fmt.Sprintf("cannot be opened as %s: %s", format, plain(text[1]))}, nil
	}
	var l look
	if err := json.Unmarshal([]byte(text[2]), &l); err != nil {
		return 0, flaw{}, fmt.Errorf("read what qemu-img says: %w", err)
	}
	if bad := l.refuse(format, path); bad.words != "" {
		return l.Virtual, bad, nil
	}
	if text[3] == "1" { // errors of its own (qemu-img(1))
		return l.Virtual, flaw{}, fmt.Errorf("qemu-img could not check it: %s", plain(text[4]))
	}
	// 0: clean; 3: clusters are lost, which harms nobody; 63: the format cannot be checked.
	if e := text[3]; e != "0" && e != "3" && e != "63" {
		return l.Virtual, flaw{words: "is damaged: " + damage(text[4])}, nil
	}
	return l.Virtual, flaw{}, nil
}

// mustReplay is what QEMU says of an image that was not closed (block/vhdx-log.c). Its last line is a command.
var mustReplay = lazy.Regexp(`contains a log that needs to be replayed`)

// ofTheImage are the words of QEMU's block drivers for what is wrong with the bytes of an image. What they do not say
// is not known to be its fault: an errno of the host, a feature that this QEMU lacks, a log that must be replayed.
var ofTheImage = lazy.Regexp(`(?i)not in \S+ format|invalid|corrupt|truncat|too (small|large|big|short)|` +
	`failed to parse|no valid|signature|overlap|out of range|past the end|exceeds|smaller than|` +
	`could not read .*(header|table)`)

// exitShell: from here on a shell says that a program was not run, or was killed, as for want of memory.
const exitShell = 126

// refuse tells why an image that can be opened is not booted.
func (l look) refuse(format, path string) flaw {
	switch {
	case l.Format != formats[format]:
		return flaw{words: fmt.Sprintf("is %s and not %s, as the scenario says", l.Format, format)}
	case l.Backing != "":
		return flaw{fmt.Sprintf("stands on another file, %q", l.Backing), record.LackFile}
	case l.FormatDetail.Data.DataFile != "":
		return flaw{fmt.Sprintf("keeps its data in another file, %q", l.FormatDetail.Data.DataFile), record.LackFile}
	case l.Encrypted || len(l.FormatDetail.Data.Encrypt) > 0:
		return flaw{"is encrypted by its own format, and a key for that cannot be given", record.LackPassphrase}
	case l.Virtual > maxVirtual:
		return flaw{words: fmt.Sprintf("says that its disk has %d GiB; more than %d GiB are not booted", l.Virtual>>30,
			int64(maxVirtual)>>30)}
	case l.Virtual == 0:
		return flaw{words: "holds a disk of 0 bytes"}
	}
	for _, e := range l.FormatDetail.Data.Extents {
		if e.Filename != "" && e.Filename != path && !strings.HasPrefix(e.Filename, "json:") {
			return flaw{fmt.Sprintf("keeps its data in another file, %q", e.Filename), record.LackFile}
		}
	}
	return flaw{}
}

// plain takes the block graph out of a message of qemu-img and keeps its last line.
func plain(message string) string {
	lines := strings.Split(strings.TrimSpace(message), "\n")
	line := lines[len(lines)-1]
	if i := strings.LastIndex(line, "}': "); i >= 0 {
		line = line[i+len("}': "):]
	}
	return strings.TrimPrefix(line, "qemu-img: ")
}

// damage is the line of qemu-img check that sums up, or else its last.
func damage(report string) string {
	for line := range strings.Lines(report) {
		if strings.Contains(line, "errors were found") {
			return strings.TrimSuffix(strings.TrimSpace(line), ".")
		}
	}
	return plain(report)
}

// notTheBackup keeps an error of the container from looking like one of the backup.
func notTheBackup(err error) error {
	if b, ok := errors.AsType[*instance.BootError](err); ok {
		return fmt.Errorf("%s\n%s", b.Reason, b.Console)
	}
	return err
}

const askPause = 50 * time.Millisecond
