package docker

import (
	"archive/tar"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/moby/moby/client"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/instance"
	"lifeboat/internal/enginetest"
	"lifeboat/internal/needs"
)

// An engine of today, stood in for by a proxy before the real one: sandboxes are sealed in it, archives are loaded,
// machines boot and answer, and no registry is asked.
func TestOtherEngines(t *testing.T) {
	t.Parallel()
	for name, ways := range map[string][]enginetest.Way{
		"as it is":  nil,
		"docker 29": {enginetest.Speaks("1.52"), enginetest.RefusesLinkSysctls(), enginetest.IDsAreManifests()},
		"no ipv6":   {enginetest.WithoutIPv6()},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			host := enginetest.Before(t, defaultHost(), ways...)
			d, notes := newBenchAt(t, host.Host)
			r := serving("db")
			var err error
			r.Image, err = d.LoadImage(t.Context(), guestArchive(t, d, &tar.Header{Mode: 0o755}, ""))
			require.NoError(t, err)
			assert.True(t, strings.HasPrefix(r.Image, imageRepository+"/"+d.site.Scope.Drill), r.Image)
			m, err := d.Boot(t.Context(), r)
			require.NoError(t, err)
			assert.NotEmpty(t, notes.Probes())
			res, err := m.Exec(t.Context(), instance.Command{Args: []string{"/guest", "cat"}, Stdin: strings.NewReader("in")})
			require.NoError(t, err)
			assert.Equal(t, "in", res.Stdout)
			require.Eventually(t, func() bool {
				c, err := m.Dial(t.Context(), 7000)
				return err == nil && c.Close() == nil
			}, time.Minute, 20*time.Millisecond)
			health := m.(instance.HealthChecked).Health()
			require.NotNil(t, health)
			assert.Equal(t, []string{"/guest", "echo", "well"}, health.Command)
			i, err := d.engine.client.ContainerInspect(t.Context(), m.(*Machine).Handle(), client.ContainerInspectOptions{})
			require.NoError(t, err)
			assert.Nil(t, i.Container.State.Health, "the engine asks nothing beside us")
			assert.Empty(t, host.Pulls())
		})
	}
}

// An image that is gone in the moment in which it is wanted is said, and no registry is asked for it.
func TestNothingIsPulled(t *testing.T) {
	t.Parallel()
	e, err := openHost(defaultHost(), slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	const image = "lifeboat-test/vanishes:1"
	_, err = e.client.ImageTag(t.Context(), client.ImageTagOptions{Source: built.image, Target: image})
	if err != nil {
		needs.Skip(t, err)
	}
	lose := func() { _, _ = e.client.ImageRemove(context.Background(), image, client.ImageRemoveOptions{}) }
	t.Cleanup(lose)
	other := enginetest.Before(t, defaultHost(), enginetest.LosesAfterLook(image, lose))
	d, _ := newBenchAt(t, other.Host)
	r := serving("db")
	r.Image = image
	_, err = d.Boot(t.Context(), r)
	require.ErrorContains(t, err, "has no image "+image)
	r = serving("db")
	r.Image, r.Generation = "lifeboat-test/never-was:1", 2
	_, err = d.Boot(t.Context(), r)
	require.ErrorContains(t, err, "has no image "+r.Image)
	_, err = d.Run(t.Context(), instance.Program{Name: "script", Image: r.Image, Args: []string{"x"}})
	require.ErrorContains(t, err, "has no image "+r.Image)
	assert.Empty(t, other.Pulls())
}

// guestArchive is a docker-save archive of the guest under a configuration of its own, so that no engine has it.
func guestArchive(t *testing.T, d *Driver, head *tar.Header, user string) instance.ImageArchive {
	t.Helper()
	guest, err := os.ReadFile(built.guest)
	require.NoError(t, err)
	head.Name = "guest"
	layer, err := io.ReadAll(tarOf([]*tar.Header{head}, map[string][]byte{"guest": guest}))
	require.NoError(t, err)
	digest := func(b []byte) string { return fmt.Sprintf("sha256:%x", sha256.Sum256(b)) }
	layers := []string{digest(layer)}
	config, err := json.Marshal(map[string]any{"architecture": runtime.GOARCH, "os": "linux",
		"config": map[string]any{"User": user, "Labels": map[string]string{"of": d.site.Scope.Drill},
			"Healthcheck": map[string]any{"Test": []string{"CMD", "/guest", "echo", "well"}}},
		"rootfs": map[string]any{"type": "layers", "diff_ids": layers}})
	require.NoError(t, err)
	name := strings.TrimPrefix(digest(config), "sha256:") + ".json"
	list, err := json.Marshal([]manifestEntry{{Config: name, Layers: []string{"layer.tar"}}})
	require.NoError(t, err)
	return instance.ImageArchive{ID: digest(config), Layers: layers, Name: "app",
		Archive: tarOf([]*tar.Header{{Name: name, Mode: 0o644}, {Name: "layer.tar", Mode: 0o644}, {Name: "manifest.json", Mode: 0o644}},
			map[string][]byte{name: config, "layer.tar": layer, "manifest.json": list})}
}

// Whether an engine carries a drill is tried before one begins, is said in the engine's own words, leaves nothing behind and
// asks no registry.
func TestTry(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		ways []enginetest.Way
		says string
	}{
		"it does":                     {nil, ""},
		"it refuses capabilities":     {[]enginetest.Way{enginetest.Refuses("CapAdd", "adding capabilities is not allowed here")}, "adding capabilities is not allowed here"},
		"it refuses volumes":          {[]enginetest.Way{enginetest.Refuses("Mounts", "no volumes for you")}, "no volumes for you"},
		"it joins no other's network": {[]enginetest.Way{enginetest.RefusesValue("NetworkMode", "container:", "cannot join network of a non running container")}, "cannot join network"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			other := enginetest.Before(t, defaultHost(), c.ways...)
			d, _ := newBenchAt(t, other.Host)
			err := d.Try(t.Context())
			if c.says == "" {
				require.NoError(t, err)
			} else {
				require.ErrorContains(t, err, c.says)
				require.ErrorContains(t, err, "cannot carry a drill")
			}
			assert.Empty(t, other.Pulls())
			trial := regexp.MustCompile("trial-[a-z0-9]{8}").FindString(strings.Join(other.Asked(), "\n"))
			require.NotEmpty(t, trial)
			left, err := d.engine.Leftovers(t.Context(), trial)
			require.NoError(t, err)
			assert.Empty(t, left)
		})
	}
}

// Where starting a process takes longer than a question may, the question was not asked: no word on the machine. With more
// time, which waiting gives it, it is.
func TestSlowToStart(t *testing.T) {
	t.Parallel()
	other := enginetest.Before(t, defaultHost(), enginetest.SlowToStart(2300*time.Millisecond))
	d, _ := newBenchAt(t, other.Host)
	m, err := d.Boot(t.Context(), serving("db"))
	require.NoError(t, err)
	ask := func(within time.Duration) error {
		ctx, cancel := context.WithTimeout(t.Context(), within)
		defer cancel()
		_, err := m.Exec(ctx, instance.Command{Args: []string{"/guest", "echo", "ready"}})
		return err
	}
	var unasked *instance.UnaskedError
	require.ErrorAs(t, ask(2*time.Second), &unasked)
	require.NoError(t, ask(time.Minute))
}

// What only speaks Docker's language is told by its name, before anything is made on it.
func TestPodmanIsTold(t *testing.T) {
	t.Parallel()
	other := enginetest.Before(t, defaultHost(), enginetest.IsPodman("4.3.1"))
	d, _ := newBenchAt(t, other.Host)
	err := d.Try(t.Context())
	require.ErrorContains(t, err, "it is Podman 4.3.1")
	require.ErrorContains(t, err, "DOCKER_HOST")
	assert.NotContains(t, strings.Join(other.Asked(), "\n"), "/create")
}

// A sandbox that does not start for another reason than IPv6 is not tried again without: the reason would be told twice, and
// who is in need of room has it no sooner.
func TestStartsOnceForOtherReasons(t *testing.T) {
	t.Parallel()
	full := func(real http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if strings.HasSuffix(r.URL.Path, "/start") {
				w.WriteHeader(http.StatusInternalServerError)
				_, _ = w.Write([]byte(`{"message":"failed to create task for container: no space left on device"}`))
				return
			}
			real.ServeHTTP(w, r)
		})
	}
	other := enginetest.Before(t, defaultHost(), full)
	d, _ := newBenchAt(t, other.Host)
	err := d.seal(t.Context(), d.slot("db"), nil, nil)
	require.ErrorContains(t, err, "no space left on device")
	assert.NotContains(t, err.Error(), "IPv6")
	assert.Equal(t, 1, strings.Count(strings.Join(other.Asked(), "\n"), "/containers/create"))
}
