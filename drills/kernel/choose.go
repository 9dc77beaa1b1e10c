// Package kernel knows what a Linux machine says about its kernels: which one
// runs, which entry of its boot menu starts another, and which modules of third
// parties will not load on that one. It runs commands in the machine and reads
// what they print; nothing of it needs anything installed beforehand.
package kernel

import (
	"context"
	"fmt"
	"regexp"
	"strings"

	"lifeboat/drills/instance"
)

// readMenu prints the path of GRUB's menu in one line and then its content.
const readMenu = `for f in /boot/grub/grub.cfg /boot/grub2/grub.cfg; do
  if [ -s "$f" ]; then echo "$f"; exec cat "$f"; fi
done
exit 44`

// setDefault makes $1 the default entry. Where the menu does not read the saved entry (GRUB_DEFAULT
// is not "saved"), it is chosen for the next boot alone, which every menu of grub-mkconfig reads.
// The kernel must be there: an entry may outlive its file. The last line tells what GRUB will read.
const setDefault = `entry=$1 kernel=$2 how=$3
[ -e "/boot/$kernel" ] || { echo "/boot/$kernel is missing" >&2; exit 45; }
for p in grub grub2; do
  if command -v "$p-$how" >/dev/null 2>&1; then
    "$p-$how" "$entry" || exit
    exec "$p-editenv" - list
  fi
done
exit 44`

// setGrubby is for machines whose menu is made of files of their own (BLS), as those of the RHEL family.
const setGrubby = `command -v grubby >/dev/null 2>&1 || exit 44
[ -e "/boot/vmlinuz-$1" ] || { echo "/boot/vmlinuz-$1 is missing" >&2; exit 45; }
grubby --set-default="/boot/vmlinuz-$1" >&2 && exec grubby --default-kernel`

// readsSaved: GRUB_DEFAULT is saved.
var readsSaved = regexp.MustCompile(`(?m)^\s*set default="?\$\{saved_entry\}"?\s*$`)

// Exit codes of the scripts above.
const (
	exitMissing = 45 // the kernel's file
	exitNone    = 44 // the tool
)

// Choose makes the boot loader start a release from the next boot on, and returns in words what was
// chosen. *UnfitError: the machine has no such kernel, or no boot loader that can be told.
func Choose(ctx context.Context, run Exec, release string) (string, error) {
	r, err := run(ctx, "sh", "-c", readMenu)
	if err != nil {
		return "", fmt.Errorf("read the boot menu: %w", err)
	}
	file, text, _ := strings.Cut(r.Stdout, "\n")
	menu := parseMenu(text)
	if r.Exit != 0 || len(menu) == 0 {
		return chooseGrubby(ctx, run, release)
	}
	e, ok := find(menu, release)
	if !ok {
		return "", &UnfitError{Reason: fmt.Sprintf("%s has no entry for kernel %s; it has %s", file, release,
			strings.Join(releases(menu), ", "))}
	}
	how, reads := "set-default", "saved_entry"
	switch {
	case readsSaved.MatchString(text):
	case strings.Contains(text, "${next_entry}"):
		how, reads = "reboot", "next_entry"
	default:
		return "", &UnfitError{Reason: fmt.Sprintf("%s reads neither saved_entry nor next_entry: its default is fixed", file)}
	}
	r, err = run(ctx, "sh", "-c", setDefault, "sh", e.path(), e.image, how)
	if err != nil {
		return "", fmt.Errorf("choose boot entry %s: %w", e.path(), err)
	}
	switch {
	case r.Exit == exitNone:
		return "", &UnfitError{Reason: fmt.Sprintf("the machine has neither grub-%s nor grub2-%s", how, how)}
	case r.Exit != 0:
		return "", &UnfitError{Reason: fmt.Sprintf("choose boot entry %s: exit code %d: %s", e.path(), r.Exit, line(r))}
	case !strings.Contains("\n"+r.Stdout, "\n"+reads+"="+e.path()+"\n"):
		return "", &UnfitError{Reason: fmt.Sprintf("choose boot entry %s: GRUB will not read it; its environment is %q",
			e.path(), r.Stdout)}
	}
	if how == "reboot" {
		return release + ": " + e.path() + ", for the next boot alone: GRUB_DEFAULT is not saved", nil
	}
	return release + ": " + e.path(), nil
}

func chooseGrubby(ctx context.Context, run Exec, release string) (string, error) {
	r, err := run(ctx, "sh", "-c", setGrubby, "sh", release)
	if err != nil {
		return "", fmt.Errorf("choose kernel %s with grubby: %w", release, err)
	}
	want := "/boot/vmlinuz-" + release
	switch {
	case r.Exit == exitNone:
		return "", &UnfitError{Reason: "no boot loader that can be told: neither a menu of GRUB below /boot nor grubby"}
	case r.Exit == exitMissing:
		return "", &UnfitError{Reason: fmt.Sprintf("there is no kernel %s: %s", release, line(r))}
	case r.Exit != 0 || strings.TrimSpace(r.Stdout) != want:
		return "", &UnfitError{Reason: fmt.Sprintf("choose kernel %s with grubby: exit code %d: %s", release, r.Exit,
			line(r))}
	}
	return release + ": " + want, nil
}

// Exec runs a command in the machine, without a shell.
type Exec func(ctx context.Context, args ...string) (instance.Result, error)

// On runs commands in a machine as its superuser.
func On(m instance.Machine) Exec {
	return func(ctx context.Context, args ...string) (instance.Result, error) {
		return m.Exec(ctx, instance.Command{Args: args})
	}
}

// UnfitError says that the machine is not one that can do what is asked: it has
// no such kernel, or no boot loader that can be told. It is an answer of the
// machine's, not a failure of lifeboat.
type UnfitError struct{ Reason string }

func (e *UnfitError) Error() string { return e.Reason }

// Release is that of the kernel that runs, as uname -r prints it.
func Release(ctx context.Context, run Exec) (string, error) {
	r, err := run(ctx, "uname", "-r")
	if err != nil {
		return "", fmt.Errorf("ask for the kernel's release: %w", err)
	}
	release := strings.TrimSpace(r.Stdout)
	if r.Exit != 0 || release == "" || strings.ContainsAny(release, " \n") {
		return "", &UnfitError{Reason: fmt.Sprintf("uname -r ends with exit code %d and says %q", r.Exit, line(r))}
	}
	return release, nil
}

// line is the last line that a command printed, to name what went wrong.
func line(r instance.Result) string {
	lines := strings.Split(strings.TrimSpace(r.Stdout+"\n"+r.Stderr), "\n")
	return strings.TrimSpace(lines[len(lines)-1])
}
