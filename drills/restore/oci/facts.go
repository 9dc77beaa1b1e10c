package oci

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"

	"lifeboat/drills/instance"
	"lifeboat/internal/lazy"
)

// usualPath is what an engine takes where an image sets none.
const usualPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// facts are what the image says of itself, held against what its layers hold. It forgets the layers' files.
func (img *image) facts(c configuration) *instance.ImageFacts {
	f := &instance.ImageFacts{Entrypoint: c.Config.Entrypoint, Cmd: c.Config.Cmd, Dir: c.Config.WorkingDir, User: c.Config.User}
	for port := range maps.Keys(c.Config.ExposedPorts) {
		number, protocol, _ := strings.Cut(port, "/")
		first, last, _ := strings.Cut(number, "-")
		from, err := strconv.Atoi(first)
		to := from
		if n, bad := strconv.Atoi(last); bad == nil {
			to = n
		}
		const mostInRange = 64
		for n := from; err == nil && n <= to && n < from+mostInRange; n++ {
			switch strings.ToLower(protocol) {
			case "", "tcp":
				f.TCP = append(f.TCP, n)
			case "udp":
				f.UDP = append(f.UDP, n)
			}
		}
	}
	slices.Sort(f.TCP)
	slices.Sort(f.UDP)
	var v view
	for _, l := range img.layers {
		v = append(v, l.holds)
	}
	if f.Unlooked = v.cut(); !f.Unlooked {
		v.look(f, c)
	}
	for _, l := range img.layers {
		l.holds = nil
	}
	return f
}

// look holds what an image says against what it holds.
func (v view) look(f *instance.ImageFacts, c configuration) {
	command := slices.Concat(f.Entrypoint, f.Cmd)
	if len(command) > 0 { // else the scenario is to give one
		if why := v.unrunnable(command[0], c); why != "" {
			f.Broken = append(f.Broken, why)
		}
	}
	if dir := f.Dir; dir != "" && dir != "/" {
		if n, ok := v.find(dir); !ok {
			f.LostDir = c.made(dir)
			f.NoDir = !f.LostDir
		} else if n.kind != kindDir {
			f.Broken = append(f.Broken, fmt.Sprintf("its working folder %s is a file", dir))
		}
	}
	_, users := v.find("/etc/passwd")
	name, _, _ := strings.Cut(f.User, ":")
	if _, err := strconv.Atoi(name); name != "" && name != "root" && err != nil && !users {
		f.Broken = append(f.Broken, fmt.Sprintf("it runs as %s, and has no /etc/passwd to know who that is", name))
	}
	_, release := v.find("/etc/os-release")
	_, shell := v.find("/bin/sh")
	f.NoUsers = !users && release && shell
	f.Named = v.named(command)
}

// unrunnable says why a command cannot be run; "": it can, as far as that is known.
func (v view) unrunnable(name string, c configuration) string {
	places := []string{name}
	switch {
	case strings.HasPrefix(name, "/"):
	case strings.Contains(name, "/"):
		places = []string{path.Join("/", c.Config.WorkingDir, name)}
	default:
		places = nil
		for _, dir := range strings.Split(c.path(), ":") {
			places = append(places, path.Join("/", dir, name))
		}
	}
	said := fmt.Sprintf("its entry point %s is in none of the folders of its PATH", name)
	if len(places) == 1 {
		said = fmt.Sprintf("its entry point %s is not in the image", name)
	}
	for _, p := range places {
		n, ok := v.find(p)
		switch {
		case !ok:
			continue
		case n.kind == kindDir:
			said = fmt.Sprintf("its entry point %s is a folder", p)
		case !n.runs:
			said = fmt.Sprintf("its entry point %s is not executable: nobody has the right to run it", p)
		case n.to == "":
			return ""
		default:
			if by, ok := v.find(n.to); ok && by.kind == kindFile && by.runs {
				return ""
			}
			return fmt.Sprintf("its entry point %s is run by %s, which is not in the image, or not executable", p, n.to)
		}
	}
	return said
}

// asFile matches words of a command that can only be the path of a file.
var asFile = lazy.Regexp(`(?:^|[\s=;&|'"(])(/[A-Za-z0-9._/+-]*[A-Za-z0-9._+-])`)

// named are files that a command names and that are not there, the first five. What a kernel or a running system makes is none.
func (v view) named(command []string) (missing []string) {
	const most = 5
	for i, word := range command {
		for _, m := range asFile().FindAllStringSubmatch(word, -1) {
			name := m[1]
			first, _, _ := strings.Cut(name[1:], "/")
			if i == 0 || slices.Contains([]string{"dev", "proc", "sys", "tmp", "run", "var"}, first) || slices.Contains(missing, name) {
				continue
			}
			if _, ok := v.find(name); !ok && len(missing) < most {
				missing = append(missing, name)
			}
		}
	}
	return missing
}

// path is where the image looks for commands.
func (c configuration) path() string {
	for _, pair := range c.Config.Env {
		if value, ok := strings.CutPrefix(pair, "PATH="); ok {
			return value
		}
	}
	return usualPath
}

// made tells whether the image's history says that a layer of it made the working folder.
func (c configuration) made(dir string) bool {
	for _, h := range c.History {
		_, name, ok := strings.Cut(h.CreatedBy, "WORKDIR ")
		if ok && !h.EmptyLayer && path.Clean(strings.Fields(name + " .")[0]) == path.Clean(dir) {
			return true
		}
	}
	return false
}
