package enginetest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"time"
)

var apiVersion = regexp.MustCompile(`^/v1\.\d+/`)

// Speaks another version of the API, newer than the real engine's.
func Speaks(version string) Way {
	return func(real http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			r.URL.Path = apiVersion.ReplaceAllString(r.URL.Path, "/")
			real.ServeHTTP(&answer{ResponseWriter: w, before: func(h http.Header) {
				if h.Get("Api-Version") != "" {
					h.Set("Api-Version", version)
				}
			}}, r)
		})
	}
}

// answer changes headers before they are sent.
type answer struct {
	http.ResponseWriter
	before func(http.Header)
	sent   bool
}

func (a *answer) WriteHeader(code int) {
	if !a.sent {
		a.before(a.Header())
	}
	a.sent = true
	a.ResponseWriter.WriteHeader(code)
}

func (a *answer) Write(p []byte) (int, error) {
	if !a.sent {
		a.WriteHeader(http.StatusOK)
	}
	return a.ResponseWriter.Write(p)
}

// Unwrap is for http.ResponseController.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// refuse answers with a status and the engine's words, as engines do.
func refuse(w http.ResponseWriter, code int, words string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(map[string]string{"message": words})
}

type object = map[string]any

func in(o object, key string) object {
	m, _ := o[key].(object)
	return m
}

// creating lets a way look at, change or refuse what is asked for when a container is made.
func creating(change func(body object) (refusal string)) Way {
	return func(real http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method != http.MethodPost || !strings.HasSuffix(r.URL.Path, "/containers/create") {
				real.ServeHTTP(w, r)
				return
			}
			body := object{}
			if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
				refuse(w, http.StatusBadRequest, err.Error())
				return
			}
			if words := change(body); words != "" {
				refuse(w, http.StatusBadRequest, words)
				return
			}
			b, _ := json.Marshal(body)
			r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(b)), int64(len(b))
			real.ServeHTTP(w, r)
		})
	}
}

// Refuses containers that are given a setting of the host's configuration, in these words.
func Refuses(setting, words string) Way {
	return creating(func(body object) string {
		if list, _ := in(body, "HostConfig")[setting].([]any); len(list) > 0 {
			return words
		}
		return ""
	})
}

// RefusesValue is Refuses for a value that begins so.
func RefusesValue(setting, begins, words string) Way {
	return creating(func(body object) string {
		if value, _ := in(body, "HostConfig")[setting].(string); strings.HasPrefix(value, begins) {
			return words
		}
		return ""
	})
}

const linkSysctls = "com.docker.network.endpoint.sysctls"

// RefusesLinkSysctls is Docker 28 and later: sysctls of a network's interface come with the network.
func RefusesLinkSysctls() Way {
	return creating(func(body object) string {
		sysctls := in(in(body, "HostConfig"), "Sysctls")
		for k := range sysctls {
			if strings.Contains(k, ".eth0.") {
				return fmt.Sprintf(`interface specific sysctls setting %q must be supplied using driver option '%s'`, k, linkSysctls)
			}
		}
		for _, e := range in(in(body, "NetworkingConfig"), "EndpointsConfig") {
			end, _ := e.(object)
			words, _ := in(end, "DriverOpts")[linkSysctls].(string)
			for _, s := range strings.Split(words, ",") {
				if k, v, ok := strings.Cut(s, "="); ok {
					sysctls[strings.ReplaceAll(k, "IFNAME", "eth0")] = v
				}
			}
			delete(in(end, "DriverOpts"), linkSysctls)
		}
		return ""
	})
}

// IDsAreManifests is an engine with containerd's image store, as Docker 29 has it: an image's id is the digest of its
// manifest, and nobody finds it by that of its configuration.
func IDsAreManifests() Way {
	var mu sync.Mutex
	known := map[string]string{} // id of this engine → of the real one
	other := func(id string) string {
		sum := sha256.Sum256([]byte("manifest of " + id))
		mu.Lock()
		defer mu.Unlock()
		to := "sha256:" + hex.EncodeToString(sum[:])
		known[to] = id
		return to
	}
	back := func(text string) string {
		mu.Lock()
		defer mu.Unlock()
		for to, id := range known {
			text = strings.ReplaceAll(text, to, id)
		}
		return text
	}
	images := regexp.MustCompile(`/images/(.+)/(json|tag)$`)
	return func(real http.Handler) http.Handler {
		create := creating(func(body object) string {
			name, _ := body["Image"].(string)
			body["Image"] = back(name)
			return ""
		})(real)
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			m := images.FindStringSubmatch(r.URL.Path)
			if m != nil && strings.HasPrefix(m[1], "sha256:") && back(m[1]) == m[1] {
				refuse(w, http.StatusNotFound, "No such image: "+m[1])
				return
			}
			r.URL.Path = back(r.URL.Path)
			if m == nil || m[2] != "json" {
				create.ServeHTTP(w, r)
				return
			}
			rec := httptest.NewRecorder()
			real.ServeHTTP(rec, r)
			var got object
			if json.Unmarshal(rec.Body.Bytes(), &got) == nil && got["Id"] != nil {
				got["Id"] = other(got["Id"].(string))
			}
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(rec.Code)
			_ = json.NewEncoder(w).Encode(got)
		})
	}
}

// SlowToStart takes a while to start a process in a container.
func SlowToStart(by time.Duration) Way {
	return func(real http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if strings.Contains(r.URL.Path, "/exec/") && strings.HasSuffix(r.URL.Path, "/start") {
				select {
				case <-time.After(by):
				case <-r.Context().Done():
				}
			}
			real.ServeHTTP(w, r)
		})
	}
}

// MakesLate makes what it is asked for after a while, and then also where nobody waits for the answer any more.
func MakesLate(by time.Duration) Way {
	return func(real http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/create") {
				body, _ := io.ReadAll(r.Body)
				r = r.WithContext(context.WithoutCancel(r.Context()))
				r.Body = io.NopCloser(bytes.NewReader(body))
				time.Sleep(by)
			}
			real.ServeHTTP(w, r)
		})
	}
}

// LosesAfterLook is an engine whose image somebody removes in the moment after it was looked at.
func LosesAfterLook(image string, lose func()) Way {
	return func(real http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			real.ServeHTTP(w, r)
			if strings.Contains(r.URL.Path, "/images/"+image) && strings.HasSuffix(r.URL.Path, "/json") {
				lose()
			}
		})
	}
}

// IsPodman answers questions for its version as Podman's socket does.
func IsPodman(version string) Way {
	return func(real http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if !strings.HasSuffix(r.URL.Path, "/version") {
				real.ServeHTTP(w, r)
				return
			}
			w.Header().Set("Content-Type", "application/json")
			fmt.Fprintf(w, `{"Version":%q,"ApiVersion":"1.40","Components":[{"Name":"Podman Engine","Version":%[1]q}]}`, version)
		})
	}
}
