package system

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"

	"lifeboat/verifier"
)

const (
	linkTo    = "link to "
	writtenAt = "written "
	end       = "end of list"
)

// listing prints "DIGEST  PATH" for every file at or below the arguments, "link to X  PATH" for
// links, "absent  PATH" for what is not there, "written SECONDS  PATH" where the instance has stat, and a last
// line, for a list that was cut short must not look whole.
const listing = `for p; do
  if [ ! -e "$p" ] && [ ! -L "$p" ]; then printf 'absent  %s\n' "$p"; continue; fi
  find -H "$p" -xdev -type f -exec sha256sum {} + || exit 3
  find -H "$p" -xdev -type l -exec sh -c '
    for l; do printf "link to %s  %s\n" "$(readlink "$l")" "$l"; done' sh {} + || exit 3
  ! command -v stat >/dev/null || find -H "$p" -xdev -type f ! -path '*
*' -exec stat -c 'written %Y  %n' {} + 2>/dev/null
done
echo '` + end + `'`

// files reads the digests of all paths in one go; where an instance has no tools, single
// files are read from outside.
func (c *state) files(ctx context.Context, t verifier.Target, now *snapshot) error {
	o, ok, err := try(ctx, t, c.On(), append([]string{"sh", "-c", listing, "sh"}, c.keys.Paths...)...)
	if err != nil {
		return fmt.Errorf("list the files of %s: %w", c.On(), err)
	}
	if !ok || o.Exit != 0 && strings.Contains(o.Stderr, "not found") {
		return c.fromOutside(ctx, t, now, c.keys.Paths)
	}
	if o.Exit != 0 {
		return fmt.Errorf("list the files of %s: exit code %d: %s", c.On(), o.Exit, verifier.Line(o.Stderr, 200))
	}
	now.Written = map[string]int64{}
	missing, err := parse(o.Stdout, now.Files, now.Written)
	if err != nil {
		return fmt.Errorf("list the files of %s: %w", c.On(), err)
	}
	// What the instance's own user cannot see may still be there.
	return c.fromOutside(ctx, t, now, missing)
}

// parse reads what listing prints.
func parse(text string, files map[string]string, written map[string]int64) (absent []string, err error) {
	body, ok := strings.CutSuffix(text, end+"\n")
	if !ok {
		return nil, errors.New("the list is cut short; name fewer or smaller folders")
	}
	for line := range strings.Lines(body) {
		line = strings.TrimSuffix(line, "\n")
		digest, name, ok := strings.Cut(line, "  ")
		digest = strings.TrimPrefix(digest, `\`) // sha256sum's mark of a name with a line break, escaped in the name
		switch {
		case !ok || !strings.HasPrefix(name, "/"):
			return nil, fmt.Errorf("%q is not a digest and a path", verifier.Line(line, 100))
		case digest == "absent":
			absent = append(absent, name)
		case strings.HasPrefix(digest, writtenAt):
			at, err := strconv.ParseInt(digest[len(writtenAt):], 10, 64)
			if err != nil {
				return nil, fmt.Errorf("%q is not a time", verifier.Line(digest, 80))
			}
			written[name] = at
		case sumPattern.MatchString(digest), strings.HasPrefix(digest, linkTo):
			files[name] = digest
		default:
			return nil, fmt.Errorf("%q is not a digest", verifier.Line(digest, 80))
		}
	}
	return absent, nil
}

// fromOutside reads single files without anything in the instance.
func (c *state) fromOutside(ctx context.Context, t verifier.Target, now *snapshot, paths []string) error {
	for _, p := range paths {
		content, err := t.Read(ctx, c.On(), p)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			now.Absent = append(now.Absent, p)
		case err != nil:
			return fmt.Errorf("read %s of %s: %w; folders need sh, find and sha256sum in the instance", p, c.On(), err)
		default:
			now.Files[p] = sum(content)
		}
	}
	return nil
}

// managers of packages; each prints "name version" a line.
var managers = [][]string{
	{"dpkg-query", "-W", "-f", "${binary:Package} ${Version} ${db:Status-Abbrev}\n"},
	{"rpm", "-qa", "--qf", "%{NAME}.%{ARCH} %{EPOCH}:%{VERSION}-%{RELEASE}\n"},
	{"apk", "info", "-v"},
}

func packages(ctx context.Context, t verifier.Target, on string) (map[string]string, error) {
	for _, m := range managers {
		o, ok, err := try(ctx, t, on, m...)
		if err != nil {
			return nil, fmt.Errorf("list the packages of %s: %w", on, err)
		}
		if !ok {
			continue
		}
		if o.Exit != 0 {
			return nil, fmt.Errorf("list the packages of %s: %s ended with exit code %d: %s", on, m[0], o.Exit,
				verifier.Line(o.Stderr, 200))
		}
		all := map[string]string{}
		for line := range strings.Lines(o.Stdout) {
			name, version, _ := strings.Cut(strings.TrimSpace(line), " ")
			if name == "" {
				continue
			}
			versions := append(strings.Split(all[name], ", "), strings.TrimSpace(version)) // kernels share one name
			slices.Sort(versions)
			all[name] = strings.TrimPrefix(strings.Join(versions, ", "), ", ")
		}
		if len(all) == 0 {
			return nil, fmt.Errorf("%s lists no package on %s", m[0], on)
		}
		return all, nil
	}
	return nil, fmt.Errorf("%s has none of dpkg-query, rpm and apk, so its packages cannot be compared", on)
}

func kernel(ctx context.Context, t verifier.Target, on string) (string, error) {
	o, ok, err := try(ctx, t, on, "uname", "-r")
	if err != nil {
		return "", fmt.Errorf("ask %s for its kernel: %w", on, err)
	}
	release := strings.TrimSpace(o.Stdout)
	if !ok || o.Exit != 0 || release == "" || strings.ContainsAny(release, "\n ") {
		return "", fmt.Errorf("ask %s for its kernel: uname -r says %q, exit code %d", on,
			verifier.Line(o.Stdout+o.Stderr, 100), o.Exit)
	}
	return release, nil
}
