package source

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"os/user"
	"strings"
	"time"

	"lifeboat/internal/userfile"
	"lifeboat/verifier/database"
)

// MySQL says which server of MySQL or MariaDB is meant, as its clients say it.
type MySQL struct {
	Host, Port, Socket, User, Password, Protocol string
	CA, Cert, Key                                string // files
	Encrypt, Verify                              bool   // TLS must be, and be of that host
}

// sockets are where packages put a server's, if nothing else is said.
var sockets = []string{"/run/mysqld/mysqld.sock", "/var/lib/mysql/mysql.sock", "/tmp/mysql.sock"}

// MySQLClient is what option files give to clients, with what is said besides.
func MySQLClient(said MySQL) (MySQL, []string) {
	options, _, problems := optionFiles(nil, "client", "client-server", "client-mariadb")
	m := &mysqlParser{}
	p := parser{rest: options, options: m.options(), positional: func(string) string { return "" }}
	for len(p.rest) > 0 {
		_ = p.next(nil) // what only some clients know is theirs
	}
	w := m.into.Where
	if said.Host != "" || said.Port != "" {
		w.Socket, w.Port = "", ""
	}
	w.Host, w.Port, w.User = cmp.Or(said.Host, w.Host), cmp.Or(said.Port, w.Port), cmp.Or(said.User, w.User)
	if w.Host == "" && said.Port != "" {
		w.Protocol = "tcp"
	}
	return w, problems
}

// mode is MySQL's --ssl-mode.
func (m *MySQL) mode(is string) {
	is = strings.ToUpper(is)
	m.Encrypt, m.Verify = is == "REQUIRED" || strings.HasPrefix(is, "VERIFY"), is == "VERIFY_IDENTITY"
}

// place is where the server is.
func (m MySQL) place() (network, address string, err error) {
	local := m.Host == "" || m.Host == "localhost"
	switch {
	case m.Protocol == "tcp", !local:
		return "tcp", net.JoinHostPort(cmp.Or(m.Host, "127.0.0.1"), cmp.Or(m.Port, os.Getenv("MYSQL_TCP_PORT"), "3306")), nil
	case m.Socket != "" || os.Getenv("MYSQL_UNIX_PORT") != "":
		return "unix", cmp.Or(m.Socket, os.Getenv("MYSQL_UNIX_PORT")), nil
	case m.Port != "" && m.Protocol == "":
		return "", "", errors.New("localhost with a port is a socket to some programs and an address to others: say 127.0.0.1, or --protocol=tcp")
	}
	for _, s := range sockets {
		if _, err := os.Stat(s); err == nil {
			return "unix", s, nil
		}
	}
	return "", "", fmt.Errorf("there is no socket of a server at %s: name its host, or its --socket", strings.Join(sockets, " or "))
}

// Server is whom a dialect asks, and what it is for people; name "": all databases.
func (m MySQL) Server(name string, timeout time.Duration) (s database.Server, where string, err error) {
	network, address, err := m.place()
	if err != nil {
		return s, "", err
	}
	if m.User == "" {
		u, err := user.Current()
		if err != nil {
			return s, "", fmt.Errorf("look up who this is: %w", err)
		}
		m.User = u.Username
	}
	s = database.Server{User: m.User, Password: cmp.Or(m.Password, os.Getenv("MYSQL_PWD")), Database: name, Timeout: timeout,
		Dial: func(ctx context.Context) (net.Conn, error) { return (&net.Dialer{}).DialContext(ctx, network, address) }}
	if network == "tcp" {
		s.TLS, err = m.encryption()
	}
	return s, "the server at " + address + " as " + m.User, err
}

// encryption is how TLS must be; nil: as the server has it.
func (m MySQL) encryption() (*tls.Config, error) {
	if m.CA == "" && m.Cert == "" && !m.Encrypt && !m.Verify {
		return nil, nil
	}
	c := &tls.Config{ServerName: m.Host, InsecureSkipVerify: !m.Verify} // as these clients do: the chain is verified below, where there is a CA
	if m.CA != "" {
		raw, err := userfile.Read(m.CA, longestOptions)
		if err != nil {
			return nil, fmt.Errorf("--ssl-ca: %w", err)
		}
		c.RootCAs = x509.NewCertPool()
		if !c.RootCAs.AppendCertsFromPEM(raw) {
			return nil, fmt.Errorf("--ssl-ca %s: it holds no certificate", m.CA)
		}
		c.VerifyConnection = func(state tls.ConnectionState) error {
			between := x509.NewCertPool()
			for _, cert := range state.PeerCertificates[1:] {
				between.AddCert(cert)
			}
			_, err := state.PeerCertificates[0].Verify(x509.VerifyOptions{Roots: c.RootCAs, Intermediates: between})
			return err
		}
	}
	if m.Cert != "" {
		cert, err := userfile.Read(m.Cert, longestOptions)
		key, err2 := userfile.Read(m.Key, longestOptions)
		if err := errors.Join(err, err2); err != nil {
			return nil, fmt.Errorf("--ssl-cert and --ssl-key: %w", err)
		}
		pair, err := tls.X509KeyPair(cert, key)
		if err != nil {
			return nil, fmt.Errorf("--ssl-cert and --ssl-key: %w", err)
		}
		c.Certificates = []tls.Certificate{pair}
	}
	return c, nil
}
