package system

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"lifeboat/verifier"
)

// part is one kind of state that a script prints, each fact in a line of words that tabs separate, and a last
// line, for a list that was cut short must not look whole. One command each: where a processor is emulated
// every one costs time.
type part struct {
	name   string // in words
	script string
	add    func(now *snapshot, words []string) bool // false: it is not a fact of this kind
}

// see runs a part's script on an instance.
func (p part) see(ctx context.Context, t verifier.Target, on string, now *snapshot) error {
	o, ok, err := try(ctx, t, on, "sh", "-c", p.script)
	switch {
	case err != nil:
		return fmt.Errorf("list the %s of %s: %w", p.name, on, err)
	case !ok:
		return fmt.Errorf("list the %s of %s: it has no shell", p.name, on)
	case o.Exit != 0:
		return fmt.Errorf("list the %s of %s: exit code %d: %s", p.name, on, o.Exit, verifier.Line(o.Stderr, 200))
	}
	if err := p.parse(o.Stdout, now); err != nil {
		return fmt.Errorf("list the %s of %s: %w", p.name, on, err)
	}
	return nil
}

func (p part) parse(text string, now *snapshot) error {
	body, whole := strings.CutSuffix(text, end+"\n")
	if !whole {
		return errors.New("the list is cut short")
	}
	for line := range strings.Lines(body) {
		if !p.add(now, strings.Split(strings.TrimSuffix(line, "\n"), "\t")) {
			return fmt.Errorf("%q is not understood", verifier.Line(line, 100))
		}
	}
	return nil
}

// put enters a fact and makes the map.
func put(into *map[string]string, name, value string) bool {
	if *into == nil {
		*into = map[string]string{}
	}
	(*into)[name] = value
	return name != ""
}

// settle waits until a machine with systemd has finished booting: before that anything may still be missing.
const settle = `! command -v systemctl >/dev/null || timeout 60 systemctl is-system-running --wait >/dev/null 2>&1
`

// modules: what is loaded, which of it the kernel has marked as not of its tree, and the files beside that tree.
var modules = part{name: "modules", script: settle + `[ -r /proc/modules ] || {
  echo 'its kernel loads no modules' >&2
  exit 3
}
while read -r m rest; do printf 'loaded\t%s\n' "$m"; done </proc/modules
for f in $(grep -ls O /sys/module/*/taint); do f=${f%/taint}; printf 'foreign\t%s\n' "${f##*/}"; done
dir=/lib/modules/$(uname -r)
if [ -d "$dir" ]; then
  sums=$(find "$dir" -name '*.ko*' ! -path "$dir/kernel/*" -type f -exec sha256sum {} +) || exit 3
  printf '%s\n' "$sums" | while read -r sum file; do
    if [ -n "$file" ]; then printf 'file\t%s\t%s\n' "$file" "$sum"; fi
  done
fi
echo '` + end + `'`, add: func(now *snapshot, words []string) bool {
	switch {
	case len(words) == 2 && words[0] == "loaded":
		return put(&now.Modules, words[1], inTree)
	case len(words) == 2 && words[0] == "foreign":
		return put(&now.Modules, words[1], foreign)
	case len(words) == 3 && words[0] == "file" && sumPattern.MatchString(words[2]):
		return put(&now.ModuleFiles, words[1], words[2])
	}
	return false
}}

// Where a module comes from.
const (
	inTree  = "of the kernel"
	foreign = "of a third party"
)

// units: what runs of services, timers, sockets and paths, and what is enabled.
var units = part{name: "units", script: `command -v systemctl >/dev/null || { echo 'it has no systemd' >&2; exit 3; }
` + settle + `say() { [ -z "$id" ] || printf 'unit\t%s\t%s\t%s\t%s\t%s\n' "$id" "$active" "$type$stays" "$file" "$by"; }
systemctl show --no-pager -p Id -p ActiveState -p Type -p RemainAfterExit -p UnitFileState -p TriggeredBy \
  '*.service' '*.timer' '*.socket' '*.path' | {
  id= active= type= stays= file= by=
  while IFS= read -r l; do
    case $l in
    Id=*) id=${l#*=} ;;
    ActiveState=*) active=${l#*=} ;;
    Type=*) type=${l#*=} ;;
    RemainAfterExit=yes) stays=+ ;;
    UnitFileState=*) file=${l#*=} ;;
    TriggeredBy=*) by=${l#*=} ;;
    '') say; id= active= type= stays= file= by= ;;
    esac
  done
  say
}
systemctl list-unit-files --no-legend --no-pager --type=service,timer,socket,path | while read -r name state rest; do
  printf 'file\t%s\t%s\n' "$name" "$state"
done
echo '` + end + `'`, add: addUnit}

func addUnit(now *snapshot, words []string) bool {
	switch {
	case len(words) == 6 && words[0] == "unit":
		name, active := words[1], words[2]
		if active == "failed" || active != "inactive" && !passing(name, words[3], words[4], words[5]) {
			return put(&now.Units, name, active)
		}
		return name != ""
	case len(words) == 3 && words[0] == "file":
		switch words[2] {
		case "generated", "transient", "alias", "enabled-runtime", "linked-runtime", "masked-runtime":
			return true // they come and go with the boot
		}
		return put(&now.UnitFiles, words[1], words[2])
	}
	return false
}

// passing tells whether a unit comes and goes by itself, so that its being there at a moment says nothing: it
// belongs to a log-in or to one command, or something else starts it when it is needed, and it ends again. A
// oneshot that stays active after its end is marked with a "+".
func passing(name, kind, file, triggeredBy string) bool {
	if file == "transient" {
		return true
	}
	for _, prefix := range []string{"user@", "user-runtime-dir@", "run-", "systemd-fsck", "modprobe@",
		"systemd-machine-id-commit.", "systemd-firstboot."} { // the last two belong to an image's first boot
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	enabled := file == "enabled"
	return !enabled && (kind == "oneshot" || kind == "dbus" || triggeredBy != "" && strings.HasSuffix(name, ".service"))
}

// mounts, as the kernel lists them.
var mounts = part{name: "mounts", script: `while read -r from at type options rest; do
  printf 'mount\t%s\t%s\t%s\t%s\n' "$at" "$type" "$from" "$options"
done </proc/self/mounts || exit 3
echo '` + end + `'`, add: func(now *snapshot, words []string) bool {
	if len(words) != 5 || words[0] != "mount" || !strings.HasPrefix(words[1], "/") {
		return false
	}
	if at, kind := words[1], words[2]; !volatile(at, kind) {
		return put(&now.Mounts, at, kind+from(kind, words[3])+" ("+options(kind, words[4])+")")
	}
	return true
}}

// kernelMounts are file systems that show the kernel, not a disk.
var kernelMounts = []string{"autofs", "binfmt_misc", "bpf", "cgroup", "cgroup2", "configfs", "debugfs", "devpts",
	"devtmpfs", "efivarfs", "fusectl", "hugetlbfs", "mqueue", "nsfs", "proc", "pstore", "ramfs", "rpc_pipefs",
	"securityfs", "selinuxfs", "sysfs", "tracefs"}

// volatile mounts come and go with log-ins and services.
func volatile(at, kind string) bool {
	below := func(dir string) bool { return at == dir || strings.HasPrefix(at, dir+"/") }
	return slices.Contains(kernelMounts, kind) || kind == "overlay" && at != "/" ||
		below("/run/user") || below("/run/credentials") || below("/proc") || below("/sys") || below("/dev") ||
		kind == "fuse.portal" || kind == "fuse.gvfsd-fuse"
}

// from names the source where it is more than the file system's own name.
func from(kind, source string) string {
	if kind == "tmpfs" || kind == "overlay" || !strings.HasPrefix(source, "/") && !strings.Contains(source, ":") {
		return ""
	}
	return " from " + source
}

// options that are not figures of the machine's memory or names of layers.
func options(kind, text string) string {
	var kept []string
	for _, o := range strings.Split(text, ",") {
		name, _, _ := strings.Cut(o, "=")
		layer := kind == "overlay" && strings.Contains(o, "=")
		if !layer && !slices.Contains([]string{"size", "nr_inodes", "nr_blocks", "inode64", "addr", "clientaddr"}, name) {
			kept = append(kept, o)
		}
	}
	return strings.Join(kept, ",")
}

// withShell writes the states of a log-in that the script knows with the user's shell.
var withShell = map[string]string{
	"open without a password": "open without a password, %s",
	"without a password":      "without a password, %s",
	"locked":                  "locked, %s",
	"unlocked":                "unlocked, %s",
	"expired":                 "expired, %s",
}

// logins: who may log in and with which shell. No hash leaves the machine.
var logins = part{name: "log-ins", script: `[ -r /etc/shadow ] || { echo '/etc/shadow cannot be read' >&2; exit 3; }
today=$(($(date +%s) / 86400))
while IFS=: read -r name hash a b c d e expires rest; do
  case $hash in
  '') state='open without a password' ;;
  '!' | '!!' | '*' | '!*') state='without a password' ;;
  '!'*) state=locked ;;
  *) state=unlocked ;;
  esac
  case $expires in
  *[!0-9]* | '') ;;
  *) [ "$expires" -ge "$today" ] || state=expired ;;
  esac
  printf 'state\t%s\t%s\n' "$name" "$state"
done </etc/shadow
while IFS=: read -r name a b c d e shell; do printf 'shell\t%s\t%s\n' "$name" "$shell"; done </etc/passwd
[ ! -e /etc/nologin ] || printf 'state\tall users\tshut out by /etc/nologin\n'
echo '` + end + `'`, add: func(now *snapshot, words []string) bool {
	switch {
	case len(words) != 3:
		return false
	case words[0] == "state":
		return put(&now.Logins, words[1], words[2])
	case words[0] == "shell" && now.Logins[words[1]] != "" && words[2] != "":
		form, known := withShell[now.Logins[words[1]]]
		return known && put(&now.Logins, words[1], fmt.Sprintf(form, path.Base(words[2])))
	}
	return words[0] == "shell"
}}
