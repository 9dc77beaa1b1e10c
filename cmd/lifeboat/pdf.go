package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"lifeboat/drills/ledger"
	"lifeboat/drills/store"
)

// formatPDF is the page that Chromium prints.
const formatPDF = "pdf"

const (
	printLimit = 3 * time.Minute
	mostPDF    = 64 << 20 // bytes
)

// printing is what a page is printed with.
type printing struct{ image string }

func (p *printing) flags(c *cobra.Command) {
	c.Flags().StringVar(&p.image, "chromium", "lifeboat/chromium:12",
		"with --format pdf: the image whose program chromium prints; ci/images/chromium.sh builds this one, with Chinese fonts")
}

// printScript prints what comes in. Chromium's own sandbox needs rights that the container does not have: the container is the sandbox.
const printScript = `cat >/tmp/page.html &&
chromium --headless=new --no-sandbox --disable-gpu --disable-dev-shm-usage --user-data-dir=/tmp/chromium \
  --no-pdf-header-footer --print-to-pdf=/tmp/page.pdf file:///tmp/page.html >&2 && cat /tmp/page.pdf`

// pdf prints a page. What names a drill stands in it, and somebody else may have named it: Chromium reads the page in a container without a network,
// without a right, with nothing that it could write to but its own memory, as nobody, and has nothing in it but the page.
func (a *app) pdf(ctx context.Context, p printing, page io.Reader, to io.Writer) (err error) {
	if _, ok := a.terminal(); ok && to == a.stdout {
		return errors.New("a PDF is no text for a terminal: send it to a file")
	}
	ctx, cancel := context.WithTimeoutCause(ctx, printLimit, fmt.Errorf("chromium did not end within %s", printLimit))
	defer cancel()
	room, err := rooms(ctx, ledger.Scope{}, nil, a.log(), store.RoomRequest{Image: p.image})
	if err != nil {
		return fmt.Errorf("print the PDF: %w; --format html is the same page, and any browser prints it", err)
	}
	defer func() { err = errors.Join(err, room.Close()) }()
	var printed, said bytes.Buffer
	err = room.Run(ctx, store.Tool{Args: []string{"/bin/sh", "-c", printScript}, User: "65534:65534", Env: map[string]string{"HOME": "/tmp"},
		Stdin: page, Stdout: &atMost{&printed, mostPDF}, Stderr: &atMost{&said, 1 << 20}})
	if err != nil {
		lines := strings.Split(strings.TrimSpace(said.String()), "\n")
		return fmt.Errorf("print the PDF with image %s: %w: %s", p.image, err, clean(lines[len(lines)-1]))
	}
	if !bytes.HasPrefix(printed.Bytes(), []byte("%PDF-")) {
		return fmt.Errorf("print the PDF with image %s: what came of it is no PDF", p.image)
	}
	_, err = printed.WriteTo(to)
	return err
}

// atMost takes so many bytes and no more.
type atMost struct {
	io.Writer
	left int
}

func (w *atMost) Write(b []byte) (int, error) {
	if w.left -= len(b); w.left < 0 {
		return 0, errors.New("there is more of it than there can be")
	}
	return w.Writer.Write(b)
}
