package source

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/user"
	"path/filepath"
	"slices"
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

// longestOptions is what is read of an option file, bytes.
const longestOptions = 1 << 20

// optionFiles are the options that the files of a client of MySQL or MariaDB give to some groups, spelled as on a command line, and the rest of
// that without what names such files.
func optionFiles(args []string, groups ...string) (options, rest, problems []string) {
	files := []string{"/etc/my.cnf", "/etc/mysql/my.cnf", "", ""}
	if home, err := os.UserHomeDir(); err == nil {
		files[3] = filepath.Join(home, ".my.cnf")
	}
	for rest = args; len(rest) > 0; rest = rest[1:] { // they count at the beginning only
		name, value, _ := strings.Cut(strings.ReplaceAll(rest[0], "_", "-"), "=")
		if i := strings.Index(rest[0], "="); i >= 0 {
			value = rest[0][i+1:]
		}
		switch name {
		case "--no-defaults":
			files = nil
		case "--defaults-file":
			files = []string{value}
		case "--defaults-extra-file":
			if len(files) > 2 {
				files[2] = value
			}
		case "--defaults-group-suffix", "--login-path":
			return nil, rest, []string{name + ": it is not read here: give --defaults-extra-file=FILE instead"}
		default:
			name = ""
		}
		if name == "" {
			break
		}
	}
	for _, f := range files {
		if f == "" {
			continue
		}
		found, err := optionFile(f, groups, 0)
		if err != nil && !(errors.Is(err, fs.ErrNotExist) && !slices.ContainsFunc(args, func(a string) bool { return strings.HasSuffix(a, "="+f) })) {
			problems = append(problems, fmt.Sprintf("read the option file %s: %v", f, err))
		}
		options = append(options, found...)
	}
	return spelled(options), rest, problems
}

// optionFile reads one, and those that it includes.
func optionFile(name string, groups []string, depth int) (options []string, err error) {
	if depth > 10 {
		return nil, errors.New("option files include each other")
	}
	raw, err := userfile.Read(name, longestOptions)
	if err != nil {
		return nil, err
	}
	within := false
	for line := range strings.Lines(string(raw)) {
		line = strings.TrimSpace(line)
		word, more, _ := strings.Cut(line, " ")
		var found []string
		switch {
		case line == "" || line[0] == '#' || line[0] == ';':
		case line[0] == '[':
			within = slices.Contains(groups, strings.TrimSpace(strings.Trim(line, "[]")))
		case word == "!include":
			found, err = optionFile(strings.TrimSpace(more), groups, depth+1)
		case word == "!includedir":
			var all []string
			if all, err = filepath.Glob(filepath.Join(strings.TrimSpace(more), "*.cnf")); err != nil {
				return nil, err
			}
			for _, f := range all {
				var some []string
				if some, err = optionFile(f, groups, depth+1); err != nil {
					return nil, err
				}
				found = append(found, some...)
			}
		case within:
			found = []string{filed(line)}
		}
		if err != nil {
			return nil, err
		}
		options = append(options, found...)
	}
	return options, nil
}

// filed is a line of an option file as it would stand on a command line.
func filed(line string) string {
	key, value, given := strings.Cut(line, "=")
	key, value = strings.TrimSpace(key), strings.TrimSpace(value)
	if !given {
		key, _, _ = strings.Cut(key, " #")
		return "--" + strings.TrimSpace(key)
	}
	if n := len(value); n > 1 && (value[0] == '\'' || value[0] == '"') && value[n-1] == value[0] {
		value = value[1 : n-1]
	} else if before, _, comment := strings.Cut(value, " #"); comment {
		value = strings.TrimSpace(before)
	}
	return "--" + key + "=" + strings.NewReplacer(`\\`, `\`, `\s`, " ", `\n`, "\n", `\t`, "\t", `\r`, "\r", `\b`, "\b").Replace(value)
}
