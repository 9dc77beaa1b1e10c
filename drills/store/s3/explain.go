package s3

import (
	"context"
	"crypto/tls"
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"

	"github.com/minio/minio-go/v7"

	"lifeboat/drills/store"
	"lifeboat/drills/store/remote"
	"lifeboat/internal/lazy"
)

// theList is what is asked for where it is no object.
const theList = "the list of the bucket"

// explain says in words what is wrong with a request for an object, or for the list. It marks what may pass, and
// wraps store.ErrNoPoint where there is no such object.
func (s *Store) explain(ctx context.Context, what string, err error) error {
	var problem *store.Problem
	var answer minio.ErrorResponse
	var untrusted *tls.CertificateVerificationError
	var of *url.Error
	switch cause := context.Cause(ctx); {
	case cause != nil:
		return remote.Passing(fmt.Errorf("ask %s: %w", s.endpoint.Host, cause))
	case errors.As(err, &problem):
		return problem
	case errors.As(err, &answer):
		return s.refusal(what, answer)
	case errors.As(err, &untrusted):
		return s.problem("add the authority's certificate to this host's, or look at endpoint and lookup", "%v", untrusted)
	case notS3(err):
		return s.problem("give the address of the S3 service, not of its web page, as endpoint",
			"%s is answered with something else than S3's XML", what)
	case errors.As(err, &of): // its text has the whole address
		err = of.Err
	}
	return remote.Passing(fmt.Errorf("ask %s: %w", s.endpoint.Host, err))
}

func notS3(err error) bool {
	return errors.As(err, new(*xml.SyntaxError)) || errors.As(err, new(xml.UnmarshalError))
}

// refusal is the error of an answer with an error's status, in the words of the standard and never in the server's.
func (s *Store) refusal(what string, a minio.ErrorResponse) error {
	if a.StatusCode == http.StatusNotFound && a.Code != minio.NoSuchBucket && what != theList {
		return fmt.Errorf("%w: %s is not in %s", store.ErrNoPoint, what, s.name)
	}
	if a.StatusCode == 0 {
		return s.problem("", "%s is answered with headers that are not S3's", what)
	}
	said := fmt.Sprintf("%d %s", a.StatusCode, http.StatusText(a.StatusCode))
	if code().MatchString(a.Code) {
		said += ", " + a.Code
	}
	err := s.problem(s.advice(what, a), "%s is answered with %s", what, said)
	if s.passes(a) {
		return remote.Passing(err)
	}
	return err
}

// What a code and the name of a region look like; nothing else that a server says is repeated.
var (
	code   = lazy.Regexp(`^[A-Z][A-Za-z0-9.]{1,63}$`)
	region = lazy.Regexp(`^[a-z][a-z0-9-]{1,31}$`)
)

var (
	wrongRegion = []string{minio.AuthorizationHeaderMalformed, minio.InvalidRegion, "PermanentRedirect", "TemporaryRedirect",
		"IllegalLocationConstraintException"}
	oldToken = []string{"ExpiredToken", "InvalidToken", "SecurityTokenExpired", "InvalidSecurityToken",
		"SecurityTokenNotSupported", "TokenRefreshRequired"}
	wantsDNS = []string{"SecondLevelDomainForbidden", "PathStyleDomainForbidden", "VirtualHostDomainRequired"}
	busy     = []string{"SlowDown", "RequestTimeout", "Throttling", "RequestLimitExceeded"}
)

// passes tells which answers may be others at the next try.
func (s *Store) passes(a minio.ErrorResponse) bool {
	switch {
	case slices.Contains(wrongRegion, a.Code): // minio-go takes over what the answer says, where nobody said otherwise
		return s.set.Region == "" && a.Region != ""
	case a.StatusCode == http.StatusNotImplemented:
		return false
	}
	return a.StatusCode >= http.StatusInternalServerError || a.StatusCode == http.StatusTooManyRequests ||
		slices.Contains(busy, a.Code)
}

// advice is what to do about an answer; "" where nothing helps but looking at the server.
func (s *Store) advice(what string, a minio.ErrorResponse) string {
	switch {
	case slices.Contains(wrongRegion, a.Code):
		if region().MatchString(a.Region) {
			return "add region: " + a.Region + ", and the endpoint of that region"
		}
		return "give the region of the bucket as region, and the endpoint of that region"
	case a.StatusCode >= 300 && a.StatusCode < 400:
		return "no redirect is followed: give the address that it leads to as endpoint, if you trust it"
	case slices.Contains(oldToken, a.Code):
		return "get new temporary keys, and give all three: access_key, secret_key, session_token"
	case slices.Contains(wantsDNS, a.Code):
		return "add lookup: dns"
	}
	switch a.Code {
	case minio.NoSuchBucket:
		return "look at bucket, and at endpoint and region: a bucket is known only where it was made"
	case "InvalidAccessKeyId":
		return "the service does not know that key: look at access_key, and at endpoint"
	case "SignatureDoesNotMatch":
		return "look at secret_key: it may be cut off, or belong to another access_key"
	case "RequestTimeTooSkewed", "RequestExpired":
		return "set the clock of this host: the service refuses one that is 15 minutes off"
	case "InvalidObjectState":
		return "it lies in an archive class of storage: restore it there first"
	}
	switch a.StatusCode {
	case http.StatusForbidden, http.StatusUnauthorized:
		return s.permission(what)
	case http.StatusProxyAuthRequired:
		return "give the proxy's address with user and password as {env: NAME}"
	case http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusNotImplemented, http.StatusBadRequest:
		return "look at endpoint, bucket and lookup"
	}
	return ""
}

func (s *Store) permission(what string) string {
	switch {
	case s.anonymous():
		return "give access_key and secret_key as {env: NAME}: not everybody may read it"
	case what == theList:
		return "let the key list the bucket (s3:ListBucket) beside reading its objects (s3:GetObject)"
	}
	return "let the key read the bucket's objects (s3:GetObject), and use what encrypts them (kms:Decrypt)"
}
