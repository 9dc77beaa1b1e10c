package oci

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/record"
	"lifeboat/drills/restore"
)

func TestImage(t *testing.T) {
	s := newSample(t, runtime.GOARCH)
	other, two := twoImages(t, s)
	for name, test := range map[string]struct {
		raw      []byte
		settings string
		id       string
	}{
		"docker save":               {pack(t, s.saved(t, "shop/app:1")...), "{}", s.id()},
		"docker save in gzip":       {squeeze(t, "gzip", pack(t, s.saved(t)...)), "{}", s.id()},
		"docker save in xz":         {squeeze(t, "xz", pack(t, s.saved(t)...)), "{}", s.id()},
		"docker save in bzip2":      {squeeze(t, "bzip2", pack(t, s.saved(t)...)), "{}", s.id()},
		"docker save in lz4":        {squeeze(t, "lz4", pack(t, s.saved(t)...)), "{}", s.id()},
		"docker save in zstd":       {squeeze(t, "zstd", pack(t, s.saved(t)...)), "{}", s.id()},
		"OCI layout, gzip layers":   {pack(t, s.layout(t, "gzip", "1")...), "{}", s.id()},
		"OCI layout, zstd layers":   {pack(t, s.layout(t, "zstd", "1")...), "{}", s.id()},
		"by name":                   {pack(t, s.saved(t, "shop/app:latest")...), "tag: docker.io/shop/app", s.id()},
		"by id":                     {pack(t, s.saved(t)...), "tag: " + s.id()[7:27], s.id()},
		"the first of two":          {pack(t, two...), "tag: shop/app:1", s.id()},
		"the second, over a link":   {pack(t, two...), "tag: shop/app:2", other.id()},
		"names with a dot in front": {pack(t, dotted(s.saved(t))...), "{}", s.id()},
	} {
		t.Run(name, func(t *testing.T) {
			e := &engine{}
			out, err := imager(t, test.settings).Image(t.Context(), source(sum(test.raw), test.raw), e)
			require.NoError(t, err)
			assert.Equal(t, "drill/shop-app:"+test.id[7:19], out.Image)
			assert.Equal(t, sum(test.raw), out.Digest)
			assert.Equal(t, int64(len(test.raw)), out.Bytes)
			require.Len(t, e.list, 1)
			assert.Equal(t, test.id, sum(e.files[e.list[0].Config]))
			var c configuration
			require.NoError(t, json.Unmarshal(e.files[e.list[0].Config], &c))
			for n, layer := range e.list[0].Layers {
				assert.Equal(t, c.RootFS.DiffIDs[n], sum(e.files[layer]))
			}
			assert.Len(t, e.files, 4, "the wanted image and nothing else")
		})
	}
}

// twoImages is an archive of two that share a layer: docker save writes it once and links to it.
func twoImages(t *testing.T, s sample) (other sample, two []member) {
	t.Helper()
	other = newSample(t, runtime.GOARCH)
	other.layers[1] = pack(t, member{name: "other"})
	other.config = bytes.Replace(s.config, []byte(sum(s.layers[1])), []byte(sum(other.layers[1])), 1)
	first := s.saved(t, "shop/app:1")
	list := toJSON(t, []entry{
		{Config: s.id()[7:] + ".json", RepoTags: []string{"shop/app:1"}, Layers: []string{first[0].name, first[1].name}},
		{Config: other.id()[7:] + ".json", RepoTags: []string{"shop/app:2"}, Layers: []string{"f/layer.tar", "e/layer.tar"}},
	})
	return other, append(first[:3:3], member{name: "f/layer.tar", link: "../" + first[0].name},
		member{name: "e/layer.tar", content: other.layers[1]}, member{name: other.id()[7:] + ".json", content: other.config},
		member{name: saveList, content: list})
}

func dotted(members []member) []member {
	for i := range members {
		members[i].name = "./" + members[i].name
	}
	return members
}

// change puts something else in the place of one member.
func change(members []member, part string, how func(m *member)) []member {
	for i := range members {
		if strings.Contains(members[i].name, part) {
			how(&members[i])
		}
	}
	return members
}

func without(members []member, part string) []member {
	var left []member
	for _, m := range members {
		if !strings.Contains(m.name, part) {
			left = append(left, m)
		}
	}
	return left
}

func flip(m *member) {
	m.content = bytes.Clone(m.content)
	m.content[len(m.content)/2] ^= 1
}

func TestImageRefusesBrokenArchives(t *testing.T) {
	s := newSample(t, runtime.GOARCH)
	save := func() []member { return s.saved(t, "shop/app:1") }
	layout := func() []member { return s.layout(t, "gzip", "1") }
	whole := pack(t, save()...)
	layerBlob := blob(squeeze(t, "gzip", s.layers[0])).name
	_, pair2 := twoImages(t, s)
	fewer := s
	fewer.layers = s.layers[:1]
	for name, test := range map[string]struct {
		raw      []byte
		settings string
		want     string
	}{
		"nothing":    {nil, "", "it is empty"},
		"no archive": {[]byte(strings.Repeat("hello ", 300)), "", "it is not an image archive"},
		"another archive": {pack(t, member{name: "etc/passwd", content: []byte("root")}), "",
			"it has neither manifest.json"},
		"cut in a layer":      {whole[:len(s.layers[0])/2], "", "it is cut off"},
		"cut before the list": {whole[:len(whole)-3*1024-512], "", "restore shop-app: it"},
		"gzip cut":            {cut(squeeze(t, "gzip", whole)), "", "gzip compression of the archive is cut off"},
		"zstd cut":            {cut(squeeze(t, "zstd", whole)), "", "zstd compression of the archive is cut off"},
		"gzip damaged":        {flipped(squeeze(t, "gzip", whole)), "", "restore shop-app: "},
		"a bit in a layer":    {pack(t, change(save(), "1/layer.tar", flip)...), "", "its configuration promises"},
		"a layer is missing":  {pack(t, without(save(), "2/layer.tar")...), "", "2/layer.tar is missing"},
		"layers exchanged": {pack(t, change(change(save(), "1/layer.tar", be(s.layers[1])), "2/layer.tar",
			be(s.layers[0]))...), "", "its configuration promises"},
		"fewer layers": {pack(t, fewer.saved(t)...), "", "its configuration names 2 layers, it holds 1"},
		"configuration changed": {pack(t, change(save(), s.id()[7:], be(bytes.Replace(s.config, []byte("/app"),
			[]byte("/bad"), 1)))...), "", "has another digest than its name"},
		"configuration missing": {pack(t, without(save(), s.id()[7:])...), "", "is missing"},
		"no list":               {pack(t, without(save(), saveList)...), "", "it has neither manifest.json"},
		"list is no JSON": {pack(t, change(save(), saveList, be([]byte("[{")))...), "",
			"manifest.json cannot be read"},
		"list is empty":           {pack(t, change(save(), saveList, be([]byte("[]")))...), "", "it holds no image"},
		"a name leads out":        {pack(t, append(save(), member{name: "../x"})...), "", `"../x", which leads out`},
		"a name leads out inside": {pack(t, append(save(), member{name: "a/../../x"})...), "", "which leads out"},
		"an absolute name":        {pack(t, append(save(), member{name: "/etc/x"})...), "", "which leads out"},
		"a link leads out": {pack(t, append(save(), member{name: "a/x", link: "../../etc/passwd"})...), "",
			"its link a/x leads out"},
		"a link to itself": {pack(t, change(save(), "1/layer.tar", func(m *member) {
			m.content, m.link = nil,
				"layer.tar"
		})...), "", "lead nowhere"},
		"a name twice, and different": {pack(t, append(save(), member{name: save()[0].name})...), "", "is there twice"},
		"the other image is damaged": {pack(t, change(pair2, "e/layer.tar", flip)...), "tag: shop/app:1",
			"its configuration promises"},
		"no end":              {whole[:len(whole)-1024], "", "the end of the archive is missing"},
		"half an end":         {whole[:len(whole)-512], "", "the end of the archive is missing"},
		"more behind the end": {append(bytes.Clone(whole), whole...), "", "it goes on after the end"},
		"a device": {pack(t, append(save(), member{name: "dev/x", kind: tar.TypeChar})...), "",
			"neither a file nor a folder"},
		"layout: a bit in a layer": {pack(t, change(layout(), layerBlob, flip)...), "", "restore shop-app: "},
		"layout: a layer missing":  {pack(t, without(layout(), layerBlob)...), "", "is missing"},
		"layout: layer repacked": {pack(t, change(layout(), layerBlob, be(squeeze(t, "gzip", s.layers[1])))...), "",
			"has another digest than its name"},
		"layout: configuration": {pack(t, change(layout(), s.id()[7:], flip)...), "", "has another digest than its name"},
		"layout: no index":      {pack(t, without(layout(), layoutList)...), "", "it has neither"},
		"layout: no mark":       {pack(t, without(layout(), layoutMark)...), "", "oci-layout is missing"},
		"layout: a size in the list": {pack(t, change(layout(), layoutList, func(m *member) {
			m.content = bytes.Replace(m.content, []byte(`"size":`), []byte(`"size":1`), 1)
		})...), "", "bytes and has"},
	} {
		t.Run(name, func(t *testing.T) {
			e := &engine{}
			_, err := imager(t, "{"+test.settings+"}").Image(t.Context(), source("", test.raw), e)
			var backup *restore.BackupError
			require.ErrorAs(t, err, &backup)
			assert.Contains(t, err.Error(), test.want)
			assert.Nil(t, e.files, "the engine must see nothing of it")
		})
	}
}

func be(content []byte) func(*member) { return func(m *member) { m.content = content } }
func cut(raw []byte) []byte           { return raw[:len(raw)*2/3] }
func flipped(raw []byte) []byte       { raw[len(raw)/2] ^= 0x40; return raw }

func TestImageRefusesWhatDoesNotFit(t *testing.T) {
	s := newSample(t, "s390x")
	_, err := imager(t, "{}").Image(t.Context(), source("", pack(t, s.saved(t)...)), &engine{})
	var misfit *restore.MisfitError
	require.ErrorAs(t, err, &misfit)
	assert.Equal(t, "linux/s390x", misfit.Has)
	assert.Equal(t, "shop-app", misfit.Backup)
	_, err = imager(t, "platform: linux/s390x").Image(t.Context(), source("", pack(t, s.saved(t)...)), &engine{})
	assert.NoError(t, err)
}

// Which image is meant, the scenario says: where it does not, the archive may be as good as any.
func TestImageThatNobodyNamed(t *testing.T) {
	s := newSample(t, runtime.GOARCH)
	_, pair := twoImages(t, s)
	for name, test := range map[string]struct {
		raw       []byte
		tag, want string
	}{
		"two images":             {pack(t, pair...), "", "it holds 2 images (add tag: with one of shop/app:1, "},
		"another image":          {pack(t, s.saved(t, "shop/app:1")...), "tag: shop/app:2", "it does not hold the image shop/app:2 (it holds shop/app:1"},
		"another one, in layout": {pack(t, s.layout(t, "gzip", "1")...), "tag: shop/app:2", "it does not hold the image shop/app:2"},
	} {
		t.Run(name, func(t *testing.T) {
			e := &engine{}
			_, err := imager(t, "{"+test.tag+"}").Image(t.Context(), source("", test.raw), e)
			var lack *restore.LackError
			require.ErrorAs(t, err, &lack)
			assert.Equal(t, record.LackTag, lack.Lack)
			assert.Equal(t, "shop-app", lack.Backup)
			assert.Contains(t, lack.What, test.want)
			assert.Nil(t, e.files, "the engine must see nothing of it")
		})
	}
}

func TestImageComparesDigests(t *testing.T) {
	s := newSample(t, runtime.GOARCH)
	raw := pack(t, s.saved(t)...)
	t.Run("the promised one", func(t *testing.T) {
		_, err := imager(t, "{}").Image(t.Context(), source(sum([]byte("x")), raw), &engine{})
		var backup *restore.BackupError
		require.ErrorAs(t, err, &backup)
		assert.Contains(t, backup.Reason, "its manifest promises")
	})
	t.Run("the promised one, of a damaged archive", func(t *testing.T) {
		_, err := imager(t, "{}").Image(t.Context(), source(sum([]byte("x")), append(raw[:1024:1024], raw...)), &engine{})
		var backup *restore.BackupError
		require.ErrorAs(t, err, &backup)
		assert.Contains(t, backup.Reason, "its manifest promises", "the damage may be a consequence")
	})
	t.Run("of both readings", func(t *testing.T) {
		e := &engine{}
		later := pack(t, append(s.saved(t), member{name: "more"})...)
		_, err := imager(t, "{}").Image(t.Context(), source("", raw, later), e)
		assert.ErrorContains(t, err, "it changed while it was read")
		assert.Error(t, e.err, "the engine's archive must not end well")
	})
	t.Run("of a layer", func(t *testing.T) {
		e := &engine{}
		_, err := imager(t, "{}").Image(t.Context(), source("", raw, pack(t, change(s.saved(t), "2/layer.tar", flip)...)), e)
		assert.ErrorContains(t, err, "layer.tar changed while it was read")
		assert.NotContains(t, e.files, saveList)
	})
}
