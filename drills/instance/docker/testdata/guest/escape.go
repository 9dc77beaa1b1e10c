package main

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

// first tries one way out after the other, separated by --, and says of each
// in one line whether it was open or shut; then it waits for SIGTERM.
func first(args []string) int {
	ways := [][]string{nil}
	for _, a := range args {
		if a == "--" {
			ways = append(ways, nil)
			continue
		}
		ways[len(ways)-1] = append(ways[len(ways)-1], a)
	}
	for _, w := range ways {
		if err := try(w); err != nil {
			fmt.Printf("shut %q: %v\n", w[0], err)
		} else {
			fmt.Printf("open %q\n", w)
		}
	}
	fmt.Println("all tried")
	if os.Getpid() != 1 {
		return 0
	}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM)
	<-stop
	return 0
}

func try(w []string) error {
	switch w[0] {
	case "dial":
		text := ""
		if len(w) > 3 {
			text = w[3]
		}
		return talk(w[1], w[2], text)
	case "http":
		return talk("tcp", w[1], "GET / HTTP/1.1\r\nHost: "+w[2]+"\r\n\r\n")
	case "tls":
		c, err := tls.DialWithDialer(&net.Dialer{Timeout: 3 * time.Second}, "tcp", w[1], &tls.Config{ServerName: w[2]})
		if err == nil {
			_ = c.Close()
		}
		return err
	case "proxy":
		u, err := url.Parse(w[1])
		if err != nil {
			return err
		}
		c := &http.Client{Timeout: 3 * time.Second, Transport: &http.Transport{Proxy: http.ProxyURL(u)}}
		r, err := c.Get("http://api.prod.example.com/")
		if err == nil {
			_ = r.Body.Close()
		}
		return err
	case "txt":
		return ask(w[1], w[2])
	case "ping":
		return ping(w[1])
	case "raw":
		fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_RAW, syscall.IPPROTO_RAW)
		if err == nil {
			return syscall.Close(fd)
		}
		_, perr := syscall.Socket(syscall.AF_PACKET, syscall.SOCK_RAW, 0x300)
		if perr == nil {
			return nil
		}
		return fmt.Errorf("%w, and for packets %w", err, perr)
	case "vsock":
		const family = 40
		fd, err := syscall.Socket(family, syscall.SOCK_STREAM, 0)
		if err == nil {
			return syscall.Close(fd)
		}
		return err
	case "route":
		return route()
	}
	return errors.New("unknown way")
}

// talk is open when an answer comes back, or, over a unix socket, when it stands.
func talk(network, address, text string) error {
	c, err := net.DialTimeout(network, address, 3*time.Second)
	if err != nil {
		return err
	}
	defer c.Close()
	if network == "unix" {
		return nil
	}
	_ = c.SetDeadline(time.Now().Add(2 * time.Second))
	if text != "" {
		if _, err := c.Write([]byte(text)); err != nil {
			return err
		}
	}
	b := make([]byte, 512)
	n, err := c.Read(b)
	if n == 0 && err == nil {
		err = errors.New("nothing")
	}
	return err
}

// ask sends a DNS question for a TXT record and is shut on "no such name".
func ask(server, name string) error {
	c, err := net.DialTimeout("udp", server, 3*time.Second)
	if err != nil {
		return err
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(2 * time.Second))
	q := []byte{0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0}
	for _, l := range strings.Split(name, ".") {
		q = append(append(q, byte(len(l))), l...)
	}
	if _, err := c.Write(append(q, 0, 0, 16, 0, 1)); err != nil {
		return err
	}
	b := make([]byte, 512)
	n, err := c.Read(b)
	const nameError = 3
	if n > 3 && b[3]&0xf == nameError {
		return errors.New("no such name")
	}
	return err
}

// ping uses the socket that needs no capability.
func ping(address string) error {
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_DGRAM, syscall.IPPROTO_ICMP)
	if err != nil {
		return err
	}
	defer syscall.Close(fd)
	to := &syscall.SockaddrInet4{Addr: [4]byte(net.ParseIP(address).To4())}
	if err := syscall.Sendto(fd, []byte{8, 0, 0xf7, 0xff, 0, 0, 0, 0}, 0, to); err != nil {
		return err
	}
	_ = syscall.SetsockoptTimeval(fd, syscall.SOL_SOCKET, syscall.SO_RCVTIMEO, &syscall.Timeval{Sec: 1})
	_, _, err = syscall.Recvfrom(fd, make([]byte, 512), 0)
	return err
}

// route tries to take the default route away, as the first step to another one.
func route() error {
	fd, err := syscall.Socket(syscall.AF_NETLINK, syscall.SOCK_RAW, syscall.NETLINK_ROUTE)
	if err != nil {
		return err
	}
	defer syscall.Close(fd)
	// nlmsghdr (28 bytes in all, RTM_DELROUTE, request and acknowledge), rtmsg (IPv4, main table)
	m := []byte{28, 0, 0, 0, syscall.RTM_DELROUTE, 0, 5, 0, 1, 0, 0, 0, 0, 0, 0, 0, syscall.AF_INET, 0, 0, 0, 254, 0, 0, 0, 0, 0, 0, 0}
	if err := syscall.Sendto(fd, m, 0, &syscall.SockaddrNetlink{Family: syscall.AF_NETLINK}); err != nil {
		return err
	}
	b := make([]byte, 512)
	n, _, err := syscall.Recvfrom(fd, b, 0)
	if err != nil || n < 20 {
		return fmt.Errorf("no answer: %w", err)
	}
	if code := int32(uint32(b[16]) | uint32(b[17])<<8 | uint32(b[18])<<16 | uint32(b[19])<<24); code != 0 {
		return syscall.Errno(-code)
	}
	return nil
}
