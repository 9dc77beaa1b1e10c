package system

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"lifeboat/scenarios"
	"lifeboat/verifier"
)

// diskKeys of the scenario.
type diskKeys struct {
	Instance string             `yaml:"on"`     // instance that boots from a disk; needed
	Within   scenarios.Duration `yaml:"within"` // until it has booted to its target; default 5m
	Except   []string           `yaml:"except"` // units that may fail, as systemd names them
}

// disk asks the machine of a disk image for what needs no key to be wrong: its file systems, what it mounts, its target, its units.
type disk struct {
	verifier.Asked
	keys diskKeys
}

// booted is what a machine says of its disk and its boot.
type booted struct {
	Init    string       `json:"init,omitempty"`   // its first process
	State   string       `json:"state,omitempty"`  // of systemd; "": it has none
	Target  string       `json:"target,omitempty"` // that it boots to
	Reached bool         `json:"reached,omitempty"`
	Failed  []failedUnit `json:"failed,omitempty"`

	FileSystems []string       `json:"file_systems,omitempty"` // on disks: where they are mounted
	Errors      map[string]int `json:"errors,omitempty"`       // that ext4 has counted, by device
	Kernel      []string       `json:"kernel,omitempty"`       // its words about file systems and partition tables with errors
	Fsck        []string       `json:"fsck,omitempty"`
	Absent      []entry        `json:"absent,omitempty"`   // entries of fstab that are not mounted
	Unlooked    []string       `json:"unlooked,omitempty"` // what it has not to be asked
	Error       string         `json:"error,omitempty"`    // it does not run
}

type failedUnit struct {
	Name   string `json:"name"`
	Result string `json:"result,omitempty"`
}

// entry of fstab.
type entry struct {
	What    string `json:"what"`
	Where   string `json:"where"`
	Type    string `json:"type"`
	Options string `json:"options,omitempty"`
}

const bootsWithin = 5 * time.Minute

func newDisk(spec scenarios.CheckSpec) (verifier.Check, []scenarios.Problem) {
	c, s := &disk{}, spec.Settings
	problems := s.Decode(&c.keys)
	if c.keys.Instance == "" {
		problems = append(problems, noInstance(s))
	}
	c.keys.Within = cmp.Or(c.keys.Within, scenarios.Duration(bootsWithin))
	c.Asked = verifier.AskedOf(spec.Name, c.keys.Instance)
	return c, problems
}

// Limit implements verifier.Bounded.
func (c *disk) Limit() time.Duration { return c.keys.Within.Std() + time.Minute }

// asking prints what booted holds, each fact in a line of words that tabs separate.
const asking = `words() { tr '\t' ' ' | cut -c1-300 | head -n 20 | while IFS= read -r l; do printf '%s\t%s\n' "$1" "$l"; done; }
printf 'init\t%s\n' "$(cat /proc/1/comm)"
if [ -d /run/systemd/system ] && command -v systemctl >/dev/null; then
  state=$(timeout 45 systemctl is-system-running --wait 2>/dev/null)
  printf 'state\t%s\n' "${state:-starting}"
  target=$(systemctl get-default)
  printf 'target\t%s\t%s\n' "$target" "$(systemctl is-active "$target")"
  systemctl list-units --failed --plain --no-legend --no-pager | while read -r u rest; do
    printf 'failed\t%s\t%s\n' "$u" "$(systemctl show -p Result "$u")"
  done
fi
while read -r dev at type rest; do
  case $dev in /dev/*) printf 'fs\t%s\t%s\n' "$at" "$type" ;; esac
done </proc/mounts
for f in /sys/fs/ext4/*/errors_count; do
  if [ -r "$f" ]; then d=${f%/errors_count}; printf 'errors\t%s\t%s\n' "${d##*/}" "$(cat "$f")"; fi
done
if said=$(dmesg 2>/dev/null); then
  printf '%s\n' "$said" | grep -E 'EXT[234]-fs error|with errors|error count since|XFS.*([Cc]orrupt|CRC error|Internal error|xfs_repair)|` +
	`BTRFS.*(error|critical)|JBD2:.*(error|fail)|read-only: |Remounting filesystem read-only|` +
	`error, dev (sd|vd|hd|xvd|nvme)|GPT is invalid' | grep -v 'continued with' | words kernel
else
  printf 'unlooked\tdmesg\n'
fi
{ cat /run/initramfs/fsck.log; journalctl -b --no-pager -o cat -t systemd-fsck; } 2>/dev/null |
  grep -E 'with errors|UNEXPECTED INCONSISTENCY|WAS MODIFIED' | words fsck
mounted() { while read -r dev m rest; do [ "$m" != "$1" ] || return 0; done </proc/mounts; return 1; }
swaps=$(grep -c ^/ /proc/swaps)
[ ! -r /etc/fstab ] || while read -r what at type options rest; do
  case $what,$options in
  '#'* | ,* | *,noauto* | *,*,noauto*) continue ;;
  esac
  case $type in
  swap) if [ "$swaps" -gt 0 ]; then swaps=$((swaps - 1)); continue; fi ;;
  *) [ "$at" != none ] || continue; if mounted "$at" || mounted "${at%/}"; then continue; fi ;;
  esac
  printf 'absent\t%s\t%s\t%s\t%s\n' "$what" "$at" "$type" "$options"
done </etc/fstab
echo '` + end + `'`

// Observe implements verifier.Check.
func (c *disk) Observe(ctx context.Context, t verifier.Target) (verifier.Facts, error) {
	for stop := time.Now().Add(c.keys.Within.Std()); ; {
		o, ok, err := try(ctx, t, c.On(), "sh", "-c", asking)
		switch {
		case errors.Is(err, verifier.ErrDown):
			return verifier.Encode("disk", booted{Error: err.Error()})
		case err != nil:
			return nil, fmt.Errorf("ask %s for its disk: %w", c.On(), err)
		case !ok:
			return nil, fmt.Errorf("ask %s for its disk: it has no shell", c.On())
		case o.Exit != 0:
			return nil, fmt.Errorf("ask %s for its disk: exit code %d: %s", c.On(), o.Exit, verifier.Line(o.Stderr, 200))
		}
		var now booted
		if err := now.read(o.Stdout); err != nil {
			return nil, fmt.Errorf("ask %s for its disk: %w", c.On(), err)
		}
		if !now.booting() || time.Now().After(stop) {
			return verifier.Encode("disk", now)
		}
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-time.After(time.Second):
		}
	}
}

func (b booted) booting() bool { return b.State == "starting" || b.State == "initializing" }

// read what asking prints.
func (b *booted) read(text string) error {
	body, whole := strings.CutSuffix(text, end+"\n")
	if !whole {
		return errors.New("the answer is cut short")
	}
	for line := range strings.Lines(body) {
		if !b.add(strings.Split(strings.TrimSuffix(line, "\n"), "\t")) {
			return fmt.Errorf("%q is not understood", verifier.Line(line, 100))
		}
	}
	return nil
}

func (b *booted) add(words []string) bool {
	const most = 5
	kind := words[0]
	words = append(words[1:], make([]string, most)...)
	switch kind {
	case "init":
		b.Init = words[0]
	case "state":
		b.State = words[0]
	case "target":
		b.Target, b.Reached = words[0], words[1] == "active"
	case "failed":
		b.Failed = append(b.Failed, failedUnit{words[0], strings.TrimPrefix(words[1], "Result=")})
	case "fs":
		b.FileSystems = append(b.FileSystems, words[0])
	case "errors":
		n, err := strconv.Atoi(words[1])
		if err == nil && n > 0 {
			if b.Errors == nil {
				b.Errors = map[string]int{}
			}
			b.Errors[words[0]] = n
		}
		return err == nil
	case "kernel":
		b.Kernel = append(b.Kernel, words[0])
	case "fsck":
		b.Fsck = append(b.Fsck, words[0])
	case "absent":
		b.Absent = append(b.Absent, entry{words[0], words[1], words[2], words[3]})
	case "unlooked":
		b.Unlooked = append(b.Unlooked, words[0])
	default:
		return false
	}
	return true
}
