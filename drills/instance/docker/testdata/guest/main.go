// Command guest is the only program of the test image: a machine that can do
// what the driver's tests ask of it, without a shell.
package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"
)

func main() {
	if len(os.Args) < 2 {
		os.Exit(2)
	}
	run, ok := map[string]func([]string) int{
		"serve": serve, "exit": exit, "complain": complain, "echo": echo, "cat": cat, "write": write, "read": read,
		"sleep": sleep, "env": env, "spam": spam, "dial": dial, "id": id, "eat": eat, "first": first,
	}[os.Args[1]]
	if !ok {
		os.Exit(2)
	}
	os.Exit(run(os.Args[2:]))
}

// serve PORT echoes lines until SIGTERM.
func serve(args []string) int {
	l, err := net.Listen("tcp", ":"+args[0])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	fmt.Println("serving on", args[0])
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				for s := bufio.NewScanner(c); s.Scan(); {
					fmt.Fprintln(c, "echo", s.Text())
				}
			}()
		}
	}()
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM)
	<-stop
	fmt.Println("stopping in an orderly way")
	return 0
}

func exit(args []string) int {
	fmt.Println("giving up")
	n, _ := strconv.Atoi(args[0])
	return n
}

// complain N TEXT
func complain(args []string) int {
	fmt.Fprintln(os.Stderr, args[1])
	n, _ := strconv.Atoi(args[0])
	return n
}

func echo(args []string) int {
	fmt.Println(strings.Join(args, " "))
	return 0
}

// cat copies its input; its exit code is 3 when there was none.
func cat([]string) int {
	n, _ := io.Copy(os.Stdout, os.Stdin)
	if n == 0 {
		return 3
	}
	return 0
}

func write(args []string) int {
	if err := os.WriteFile(args[0], []byte(args[1]), 0o644); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func read(args []string) int {
	b, err := os.ReadFile(args[0])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	_, _ = os.Stdout.Write(b)
	return 0
}

func sleep(args []string) int {
	d, _ := time.ParseDuration(args[0])
	time.Sleep(d)
	return 0
}

func env(args []string) int {
	fmt.Println(os.Getenv(args[0]))
	return 0
}

// spam N writes N bytes.
func spam(args []string) int {
	n, _ := strconv.Atoi(args[0])
	for n > 0 {
		k := min(n, 1<<16)
		_, _ = os.Stdout.Write(make([]byte, k))
		n -= k
	}
	return 0
}

// dial NETWORK ADDRESS [TEXT] says what it got.
func dial(args []string) int {
	c, err := net.DialTimeout(args[0], args[1], 3*time.Second)
	if err != nil {
		fmt.Println("error:", err)
		return 1
	}
	defer c.Close()
	if len(args) > 2 {
		fmt.Fprint(c, args[2])
	}
	_ = c.SetReadDeadline(time.Now().Add(2 * time.Second))
	b := make([]byte, 512)
	n, err := c.Read(b)
	if n == 0 {
		fmt.Println("nothing:", err)
		return 2
	}
	fmt.Printf("got: %s\n", b[:n])
	return 0
}

func id([]string) int {
	fmt.Println(os.Getuid(), os.Getgid())
	return 0
}

// eat N touches N MiB of memory.
func eat(args []string) int {
	n, _ := strconv.Atoi(args[0])
	b := make([]byte, n<<20)
	for i := 0; i < len(b); i += 4096 {
		b[i] = 1
	}
	fmt.Println("ate", len(b))
	return 0
}
