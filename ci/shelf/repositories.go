package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"lifeboat/internal/accident"
)

// vaulted is a tree in a repository of restic or borg: lines of shell, which stop at the first that fails, make it of the tree in /trees/tree.
const vaulted = `rm -rf /trees/vault /trees/more && mkdir /trees/vault &&
bash -e <<'END' >/tmp/said 2>&1 && tar -C /trees/vault -cf - . || { tail -3 /tmp/said >&2; exit 1; }
export RESTIC_PASSWORD=` + vaultPassword + ` BORG_PASSPHRASE=` + vaultPassword + ` BORG_BASE_DIR=/trees/vault-base TZ=UTC
hours() { date -d "$1 hours ago" '+%%F %%T'; }
%s
END`

// vaultPassword is that of all repositories.
const vaultPassword = "sesame-open"

// mishap changes files of a repository.
type mishap func(f accident.Folder) error

// picker names files of a repository.
type picker func(f accident.Folder) []string

// below are the files of a repository below a folder, or one of them by its name.
func below(at string) picker {
	return func(f accident.Folder) []string {
		return sortedBy(f, func(name string) bool {
			return !strings.HasSuffix(name, "/") && (name == vaultAt+at || strings.HasPrefix(name, vaultAt+at+"/"))
		})
	}
}

// vaultAt is where a repository lies in its store.
const vaultAt = "repository/"

func sortedBy(f accident.Folder, is func(string) bool) []string {
	return slices.DeleteFunc(slices.Sorted(maps.Keys(f)), func(name string) bool { return !is(name) })
}

// first is the first of some files.
func first(of picker) picker {
	return func(f accident.Folder) []string { return of(f)[:min(1, len(of(f)))] }
}

// happens to each of some files.
func happens(to picker, what ...accident.Func) mishap {
	return each(to, func(f accident.Folder, name string) error {
		raw, err := accident.All(what...)([]byte(f[name]))
		f[name] = string(raw)
		return err
	})
}

// without some files.
func without(which picker) mishap {
	return each(which, func(f accident.Folder, name string) error { delete(f, name); return nil })
}

// moved gives files other names, by their names in the repository.
func moved(which picker, to func(name string) string) mishap {
	return each(which, func(f accident.Folder, name string) error {
		text := f[name]
		delete(f, name)
		f[vaultAt+to(strings.TrimPrefix(name, vaultAt))] = text
		return nil
	})
}

func each(which picker, do func(f accident.Folder, name string) error) mishap {
	return func(f accident.Folder) error {
		names := which(f)
		if len(names) == 0 {
			return errors.New("change a file of the repository: there is none such")
		}
		for _, name := range names {
			if err := do(f, name); err != nil {
				return err
			}
		}
		return nil
	}
}

// vault makes a repository of a changed copy of the tree by lines of shell, once, and has mishaps happen to a copy of it.
func vault(change, lines string, mishaps ...mishap) maker {
	return func(ctx context.Context, b *bench, dir string) error {
		whole, err := once(b, "repository "+change+lines, func() (accident.Folder, error) {
			raw, err := treeOf(ctx, b, change, fmt.Sprintf(vaulted, lines))
			if err != nil {
				return nil, err
			}
			return accident.Unpacked(bytes.NewReader(raw))
		})
		if err != nil {
			return err
		}
		f := maps.Clone(whole)
		for _, happens := range mishaps {
			if err := happens(f); err != nil {
				return err
			}
		}
		return errors.Join(f.Less("packs", "oldest").Write(dir), os.WriteFile(filepath.Join(dir, "password"), []byte(vaultPassword+"\n"), 0o600))
	}
}

// vaultStore is what an entry says of one.
func vaultStore(kind string) func(i item) string {
	return func(i item) string {
		password := "password"
		if i.name == kind+"-password" {
			password = "repository/config" // which is another
		}
		return "kind: " + kind + ", path: ./" + i.name + "/repository, image: \"" + kindsImage + "\", password: {file: ./" + i.name + "/" + password +
			"}, consistent: begun" + i.chosen
	}
}

func vaultEntry(c column, _ item) string { return treeAged("26h", c) }

// vaultTools has the program of a repository check it.
func vaultTools(line string) func(ctx context.Context, b *bench, dir string) (string, bool, error) {
	return func(ctx context.Context, b *bench, dir string) (tool string, fine bool, err error) {
		fine, err = b.goodFolder(ctx, dir, "rm -rf /trees/asked && mkdir /trees/asked && cd /trees/asked && tar -xf - && export BORG_BASE_DIR=/tmp/asked-base "+
			"BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK=yes BORG_RELOCATED_REPO_ACCESS_IS_OK=yes BORG_PASSCOMMAND='cat password' && rm -rf $BORG_BASE_DIR && "+
			"timeout 30 "+line+" >/dev/null 2>&1")
		return strings.Join(strings.Fields(line)[:2], " "), fine, err
	}
}
