package oci

import (
	"archive/tar"
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/instance"
)

// imageOf is an image of layers with a configuration's part, as it comes out of a restore.
func factsOf(t *testing.T, config map[string]any, history []map[string]any, layers ...[]member) *instance.ImageFacts {
	t.Helper()
	s := sample{}
	var ids []string
	for _, l := range layers {
		s.layers = append(s.layers, pack(t, l...))
		ids = append(ids, sum(s.layers[len(s.layers)-1]))
	}
	s.config = toJSON(t, map[string]any{"architecture": runtime.GOARCH, "os": "linux", "config": config, "history": history,
		"rootfs": map[string]any{"type": "layers", "diff_ids": ids}})
	out, err := imager(t, "{}").Image(t.Context(), source("", pack(t, s.layout(t, "gzip", "1")...)), &engine{})
	require.NoError(t, err)
	require.NotNil(t, out.Facts)
	return out.Facts
}

func run(name, content string) member {
	return member{name: name, content: []byte(content), mode: 0o755}
}

func TestImageFacts(t *testing.T) {
	folder := func(name string) member { return member{name: name, kind: tar.TypeDir, mode: 0o755} }
	base := []member{run("usr/bin/sh", "ELF"), {name: "bin", link: "usr/bin"}, folder("srv/app"), run("srv/app/serve", "#!/bin/sh -e\n"),
		{name: "etc/passwd", content: []byte("app:x:1:1::/:\n")}, {name: "etc/os-release", content: []byte("ID=debian\n")}}
	command := func(words ...string) map[string]any {
		return map[string]any{"Entrypoint": words, "WorkingDir": "/srv/app"}
	}
	for name, c := range map[string]struct {
		config map[string]any
		upper  []member
		broken []string
	}{
		"by its path":                      {config: command("/srv/app/serve")},
		"by its working folder":            {config: command("./serve")},
		"by PATH, over a link of a folder": {config: command("sh", "-c", "exec /srv/app/serve --log /tmp/x")},
		"Cmd alone":                        {config: map[string]any{"Cmd": []string{"/bin/sh"}}},
		"no command at all":                {config: map[string]any{}},
		"missing":                          {config: command("/srv/app/server"), broken: []string{"its entry point /srv/app/server is not in the image"}},
		"in no folder of PATH":             {config: command("bash"), broken: []string{"its entry point bash is in none of the folders of its PATH"}},
		"removed by a layer": {config: command("/srv/app/serve"), upper: []member{{name: "srv/app/.wh.serve"}},
			broken: []string{"its entry point /srv/app/serve is not in the image"}},
		"hidden by a layer, and there again": {config: command("/srv/app/serve"), upper: []member{{name: "srv/.wh..wh..opq"},
			run("srv/app/serve", "#!/bin/sh\n")}},
		"hidden by a layer": {config: command("/srv/app/serve"), upper: []member{folder("srv"), {name: "srv/.wh..wh..opq"}},
			broken: []string{"its entry point /srv/app/serve is not in the image"}},
		"its interpreter is gone": {config: command("/srv/app/serve"), upper: []member{{name: "usr/bin/.wh.sh"}},
			broken: []string{"its entry point /srv/app/serve is run by /bin/sh, which is not in the image, or not executable"}},
		"it lost its mode": {config: command("/srv/app/serve"), upper: []member{{name: "srv/app/serve", content: []byte("x")}},
			broken: []string{"its entry point /srv/app/serve is not executable: nobody has the right to run it"}},
		"it is a folder": {config: command("/srv/app"), broken: []string{"its entry point /srv/app is a folder"}},
		"a hard link": {config: command("/srv/app/other"), upper: []member{run("srv/app/one", "#!/bin/gone\n"),
			{name: "srv/app/other", kind: tar.TypeLink, mode: 0o755, link: "srv/app/one"}},
			broken: []string{"its entry point /srv/app/other is run by /bin/gone, which is not in the image, or not executable"}},
		"a user by name, known": {config: map[string]any{"Cmd": []string{"/bin/sh"}, "User": "app"}},
		"a user by name, and no list of users": {config: map[string]any{"Cmd": []string{"/bin/sh"}, "User": "app:app"},
			upper: []member{{name: "etc/.wh.passwd"}}, broken: []string{"it runs as app, and has no /etc/passwd to know who that is"}},
		"a user by number, and no list": {config: map[string]any{"Cmd": []string{"/bin/sh"}, "User": "65532:65532"},
			upper: []member{{name: "etc/.wh.passwd"}}},
		"links in a circle": {config: command("/a"), upper: []member{{name: "a", link: "b"}, {name: "b", link: "a"}},
			broken: []string{"its entry point /a is not in the image"}},
		"a link that leads above": {config: command("/a"), upper: []member{{name: "a", link: "../../srv/app/serve"}}},
	} {
		t.Run(name, func(t *testing.T) {
			layers := [][]member{base}
			if c.upper != nil {
				layers = append(layers, c.upper)
			}
			f := factsOf(t, c.config, nil, layers...)
			assert.Equal(t, c.broken, f.Broken)
			assert.False(t, f.LostDir || f.Unlooked, "%+v", f)
			assert.Equal(t, name == "hidden by a layer", f.NoDir, "its working folder is hidden, too")
		})
	}
	made := []map[string]any{{"created_by": "WORKDIR /gone", "empty_layer": false}}
	there := map[string]any{"Cmd": []string{"/bin/sh", "-c", "cat /etc/app.yaml /etc/passwd"}, "WorkingDir": "/gone",
		"ExposedPorts": map[string]any{"8080/tcp": nil, "53/udp": nil, "9000-9002/tcp": nil, "80": nil}}
	f := factsOf(t, there, made, base)
	assert.True(t, f.LostDir)
	assert.Equal(t, []int{80, 8080, 9000, 9001, 9002}, f.TCP)
	assert.Equal(t, []int{53}, f.UDP)
	assert.Equal(t, []string{"/etc/app.yaml"}, f.Named)
	f = factsOf(t, there, nil, base, []member{{name: "etc/.wh.passwd"}})
	assert.True(t, f.NoDir && !f.LostDir, "an engine makes it, and many a builder leaves it to that")
	assert.True(t, f.NoUsers)
	f = factsOf(t, map[string]any{"Entrypoint": []string{"/serve"}}, nil, []member{run("serve", "static")})
	assert.Equal(t, &instance.ImageFacts{Entrypoint: []string{"/serve"}}, f, "a scratch image lacks nothing")
}

// A program of this host names its loader, and a static one none.
func TestLoader(t *testing.T) {
	for name, want := range map[string]bool{"/bin/sh": true, "/proc/self/exe": false} {
		f, err := os.Open(name)
		require.NoError(t, err)
		by := runBy(f)
		require.NoError(t, f.Close())
		if want && by == "" && runtime.GOARCH == "amd64" {
			t.Errorf("%s names no loader", name)
		}
		if by != "" {
			assert.FileExists(t, by)
		}
	}
	for _, head := range []string{"", "#!", "#!\n", "\x7fELF\x02\x01", "\x7fELF\x02\x01" + string(make([]byte, 100))} {
		assert.Empty(t, runBy(strings.NewReader(head)), "%q", head)
	}
}

// What is remembered of an archive is bounded: beyond that nothing is said.
func TestFilesAreBounded(t *testing.T) {
	room, holds := 3, newFiles()
	for i := range 5 {
		holds.add(&tar.Header{Name: "a/" + strconv.Itoa(i), Typeflag: tar.TypeReg}, strings.NewReader(""), &room)
	}
	assert.True(t, view{holds}.cut())
	assert.Len(t, holds.nodes, 4, "three files and their folder")
}
