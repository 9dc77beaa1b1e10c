package secrets

import (
	"regexp"

	"lifeboat/scenarios"
)

// secretive are names of variables whose values are shown to nobody, though the file says them plainly.
var secretive = regexp.MustCompile(`(?i)pass|pwd|secret|token|key|credential|auth|cookie|session|(^|_)pin(_|$)|dsn`)

// ShownEnv is a flow's environment as a report may hold it.
func (s *Known) ShownEnv(env map[string]scenarios.Secret) map[string]string {
	if len(env) == 0 {
		return nil
	}
	shown := map[string]string{}
	for name, value := range env {
		shown[name] = hidden
		if plain, err := value.Reveal(); err == nil && !value.Hidden() && !secretive.MatchString(name) {
			shown[name] = s.Hide(userOf.ReplaceAllString(plain, "://***@"))
		}
	}
	return shown
}

// userOf is the user and the password of an address.
var userOf = regexp.MustCompile(`://[^/@\s]*@`)
