// Command lifeboat-sandbox is the only program in a sandbox: it seals its network, carries connections in and ends
// processes. lifeboat holds it inside itself and starts it; nobody else calls it.
package main

import (
	"os"

	"lifeboat/internal/sandbox"
)

func main() { os.Exit(sandbox.Main(os.Args[1:])) }
