package main

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"lifeboat/drills/objective"
	"lifeboat/internal/accident"
)

// brokenImages are archives that no engine may be given as they are, and images that do not work.
func (s *studio) brokenImages(of *shape) []item {
	read, started := objective.RungRead, objective.RungStarted
	file := func(name, what string, form func(*picture) ([]piece, error), happens ...accident.Func) item {
		return item{name: "image-" + name, what: what, shape: of, make: s.image(nil, form, "shop.tar", happens...), label: at(read)}
	}
	boots := func(name, what string, change func(*picture)) item {
		return item{name: "image-" + name, what: what, shape: of, make: s.image(change, saved, "shop.tar"), label: at(started)}
	}
	without := func(part string) func([]piece) []piece {
		return func(p []piece) []piece {
			return slices.DeleteFunc(p, func(x piece) bool { return strings.Contains(x.name, part) })
		}
	}
	more := func(add ...piece) func([]piece) []piece {
		return func(p []piece) []piece { return append(p, add...) }
	}
	unsaid := func(i item) item { i.label = doubtAt(read); return i }
	layer := func(n int, add ...piece) func(*picture) {
		return func(p *picture) { p.layers[n] = append(slices.Clone(p.layers[n]), add...) }
	}
	return append([]item{
		file("cut-1", "1 % of it is there", saved, accident.Share(0.01)),
		file("cut-50", "half of it is there", saved, accident.Share(0.5)),
		file("cut-99", "99 % of it are there", saved, accident.Share(0.99)),
		file("cut-end", "its last block is missing", saved, accident.Drop(1024)),
		file("flip-header", "a bit of a tar header is turned", saved, accident.FlipTarHeader),
		file("flip-layer", "a bit of a layer is turned", saved, accident.Flip(0.5)),
		file("flip-packed", "a bit of a compressed layer is turned", layout(inGzip), accident.Flip(0.5)),
		file("zeros", "a part of it is zeros", saved, accident.Zero(0.4, 0.6)),
		file("no-config", "the image's configuration is missing", with(saved, without(".json"))),
		file("no-blob", "a blob of its layout is missing", with(layout(asIs), func(p []piece) []piece { return slices.Delete(p, 2, 3) })),
		file("no-layer", "a layer is missing", with(saved, without("0002/layer.tar"))),
		file("no-index", "its layout has no index", with(layout(asIs), without("index.json"))),
		file("layers-swapped", "two layers stand in each other's place", with(saved, func(p []piece) []piece {
			p[0].text, p[1].text = p[1].text, p[0].text
			return p
		})),
		file("whiteouts-lost", "a layer lost what it removes", saved, accident.Swap("etc/.wh.old.conf", "etc/wh_.old.conf", 0)),
		file("layer-of-yesterday", "a layer is another image's", with(saved, func(p []piece) []piece {
			p[2].text = archived([]piece{{name: "etc/shop.conf", text: []byte("port = 8081\n")}})
			return p
		})),
		file("manifest-digest", "its manifest names a layer by a digest that it has not", with(layout(asIs), func(p []piece) []piece {
			last := &p[len(p)-2]
			last.text = bytes.Replace(last.text, []byte(`"sha256:`), []byte(`"sha256:0`), 1)
			return p
		})),
		file("climbs-out", "the archive holds a name that leads out of it", with(saved, more(piece{name: "../../etc/cron.d/own", text: []byte("*")}))),
		file("link-out", "the archive holds a link that leads out of it", with(saved, more(piece{name: "manifest2.json", link: "/etc/shadow"}))),
		file("device", "the archive holds a device", with(saved, more(piece{name: "sda", kind: tar.TypeBlock}))),
		file("bomb", "a layer expands to 5 GiB", with(layout(asIs), more(piece{name: "blobs/sha256/" + strings.Repeat("0", 64),
			text: bytes.Repeat(inZstd(make([]byte, 64<<20)), 80)}))),
		file("error-page", "an error page in its place", saved, accident.Be("<!DOCTYPE html><html><body>502 Bad Gateway</body></html>")),
		file("empty", "nothing in its place", saved, accident.Be("")),
		unsaid(file("encrypted", "encrypted by openssl", saved, accident.Before("Salted__"))),
		unsaid(file("a-disk", "a disk image in its place", saved, accident.Be("QFI\xfb\x00\x00\x00\x03"+strings.Repeat("\x00", 1<<16)))),
		{name: "image-wrong-sum", what: "its SHA256SUMS promises another one", shape: of, label: at(read), make: s.summed},
		{name: "image-other-machine", what: "it is built for another processor", shape: of, label: doubtAt(read),
			make: s.image(func(p *picture) { p.arch = "s390x" }, saved, "shop.tar")},
		{name: "image-layer-climbs", what: "a layer holds a name that leads out of the image", shape: of, label: at(read),
			make: s.image(layer(1, piece{name: "../../../etc/cron.d/own", text: []byte("*")}), saved, "shop.tar")},
		{name: "image-layer-link", what: "a layer holds a hard link to what lies outside", shape: of, label: at(read),
			make: s.image(layer(1, piece{name: "own", kind: tar.TypeLink, link: "../../etc/shadow"}), saved, "shop.tar")},
	}, s.idleImages(boots, layer)...)
}

// idleImages are whole, and do not work.
func (s *studio) idleImages(boots func(name, what string, change func(*picture)) item, layer func(int, ...piece) func(*picture)) []item {
	modes := func(p *picture) {
		for i := range p.layers[1] {
			if p.layers[1][i].mode == 0o755 {
				p.layers[1][i].mode = 0o644
			}
		}
	}
	bare := boots("no-command", "it names no command", func(p *picture) { set("Entrypoint", nil)(p); set("Cmd", nil)(p) })
	bare.label = doubtAt(objective.RungRestored) // who imported the files of a container says the command himself
	all := []item{
		bare,
		boots("no-entry", "its entry point is in no layer", func(p *picture) { p.layers, p.history = append(p.layers[:1], p.layers[2:]...), nil }),
		boots("entry-removed", "a layer removes its entry point", layer(2, piece{name: "srv/app/.wh.shop"})),
		boots("modes-lost", "its files lost the right to be run", modes),
		boots("no-interpreter", "its entry point is a script whose interpreter is gone", func(p *picture) {
			layer(2, piece{name: "srv/start", mode: 0o755, text: []byte("#!/bin/sh\nexec /srv/app/shop\n")})(p)
			set("Entrypoint", []string{"/srv/start"})(p)
		}),
		boots("no-folder", "its working folder was lost", func(p *picture) {
			program := p.layers[1][2]
			program.name = "shop"
			p.layers[1] = []piece{program}
			set("Entrypoint", []string{"/shop"})(p)
		}),
		boots("no-users", "it runs as a user that it does not know", layer(2, piece{name: "etc/.wh.passwd"})),
		boots("ends-well", "it ends at once, with 0", set("Cmd", []string{"exit", "0"})),
		boots("ends-badly", "it ends at once, with 3", set("Cmd", []string{"exit", "3"})),
		boots("ends-late", "it ends 4 s after its start", set("Cmd", []string{"late", "1"})),
		boots("other-port", "it serves another port than it exposes", set("Cmd", []string{"serve", "9090"})),
		boots("floods", "it never stops talking, and serves nothing", set("Cmd", []string{"flood", "1000"})),
	}
	empty := boots("empty-database", "it starts and serves an empty database", func(p *picture) { p.layers[1][3].text = nil })
	empty.label = content("answers", rule)
	empty.label.at = objective.RungServed
	return append(all, empty)
}

// summed has a list of digests beside it that promises another file.
func (s *studio) summed(ctx context.Context, b *bench, dir string) error {
	return errors.Join(s.image(nil, saved, "shop.tar")(ctx, b, dir),
		os.WriteFile(filepath.Join(dir, "SHA256SUMS"), []byte(strings.Repeat("0", 63)+"1  shop.tar\n"), 0o600))
}

// images are those of the shelf, the broken first.
func images() []item {
	s := newStudio()
	of := &shape{name: "image", good: s.image(nil, saved, "shop.tar"), alone: tarTool, entry: imageEntry}
	return append(s.brokenImages(of), s.oddImages(of)...)
}

// imageEntry is what lifeboat new writes of the image, but for the patience with one that is not ready, and the rule that a careful user
// adds.
func imageEntry(c column, _ item) string {
	rule := ""
	if c == rules {
		rule = `, {kind: tcp, to: "app:8080", expect: "300 customers"}`
	}
	return `objectives: {age: 0s}
restore: {kind: oci}
as: app
instance: {kind: docker, ready: {tcp: 8080, within: 30s}}
checks: {system: [{kind: image, on: app}], service: [{kind: ports, on: app}` + rule + "]}\n"
}

// oddImages work, whatever they look like.
func (s *studio) oddImages(of *shape) []item {
	odd := func(name, what, file string, change func(*picture), form func(*picture) ([]piece, error), happens ...accident.Func) item {
		return item{name: "image-good-" + name, what: what, shape: of, make: s.image(change, form, file, happens...)}
	}
	packed := func(pack func([]byte) []byte) accident.Func {
		return func(raw []byte) ([]byte, error) { return pack(raw), nil }
	}
	static := func(p *picture) { // one file, and no list of users
		program, rows := p.layers[1][2], p.layers[1][3]
		program.name, rows.name = "shop", "customers.txt"
		p.layers, p.history = [][]piece{{program, rows}}, nil
		p.config = map[string]any{"Entrypoint": []string{"/shop"}, "ExposedPorts": map[string]any{"8080/tcp": struct{}{}}}
	}
	return []item{
		odd("saved", "as docker save writes it", "shop.tar", nil, saved),
		odd("layout", "an OCI layout", "shop.tar", nil, layout(asIs)),
		odd("layout-gzip", "an OCI layout with layers in gzip", "shop.tar", nil, layout(inGzip)),
		odd("layout-zstd", "an OCI layout with layers in zstd", "shop.tar", nil, layout(inZstd)),
		odd("gz", "docker save in gzip", "shop.tar.gz", nil, saved, packed(inGzip)),
		odd("zst", "docker save in zstd", "shop.tar.zst", nil, saved, packed(inZstd)),
		odd("static", "one static program on nothing", "shop.tar", static, saved),
		odd("by-number", "its user is a number, and nobody lists users", "shop.tar", func(p *picture) {
			p.layers[0] = nil
			p.layers[2] = []piece{{name: "etc/shop.conf", text: []byte("port = 8080\n")}}
			set("User", "65532:65532")(p)
		}, saved),
		odd("folder-unmade", "its working folder is left to the engine", "shop.tar", func(p *picture) {
			static(p)
			set("WorkingDir", "/data")(p)
		}, saved),
		odd("by-path", "its command is looked for in PATH, over a link", "shop.tar", func(p *picture) {
			p.layers[2] = append(p.layers[2], piece{name: "opt/bin", link: "../srv/app"})
			set("Env", []string{"PATH=/nowhere:/opt/bin"})(p)
			set("Entrypoint", []string{"shop"})(p)
		}, saved),
		odd("two-ports", "it exposes a port that it does not serve", "shop.tar", nil, func(p *picture) ([]piece, error) {
			set("ExposedPorts", map[string]any{"8080/tcp": struct{}{}, "9443/tcp": struct{}{}, "53/udp": struct{}{}})(p)
			return saved(p)
		}),
	}
}
