package main

import (
	"lifeboat/internal/accident"
)

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
