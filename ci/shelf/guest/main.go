// Command guest is the program in the images on the shelf. It serves what its folder holds, or does what no good image does.
package main

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"time"
)

func main() {
	what, rest := "serve", []string{"8080"}
	if len(os.Args) > 2 {
		what, rest = os.Args[1], os.Args[2:]
	}
	n, err := strconv.Atoi(rest[0])
	if err != nil {
		os.Exit(2)
	}
	switch what {
	case "serve":
		serve(n)
	case "exit":
		os.Exit(n)
	case "late":
		go func() {
			time.Sleep(4 * time.Second)
			os.Exit(n)
		}()
		serve(8080)
	case "flood":
		for {
			fmt.Println(strings.Repeat("it never stops talking ", n))
		}
	}
	os.Exit(2)
}

// serve says to everybody how many customers there are.
func serve(port int) {
	rows, err := os.ReadFile("customers.txt")
	if err != nil {
		rows, _ = os.ReadFile("/customers.txt") // where there is none, there are no customers
	}
	l, err := net.Listen("tcp", ":"+strconv.Itoa(port))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	for {
		c, err := l.Accept()
		if err != nil {
			os.Exit(1)
		}
		_, _ = fmt.Fprintf(c, "%d customers\n", bytes.Count(rows, []byte("\n"))) // whoever hung up does not hear it
		go func() {
			defer c.Close()
			_, _ = c.Read(make([]byte, 1))
		}()
	}
}
