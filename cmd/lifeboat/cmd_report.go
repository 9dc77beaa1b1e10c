package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"lifeboat/drills"
	"lifeboat/drills/evidence"
	"lifeboat/drills/ledger"
	"lifeboat/drills/record"
	"lifeboat/drills/store"
	"lifeboat/reports"
	"lifeboat/verifier"
	"lifeboat/verifier/business"
)

func (a *app) reportCommand() *cobra.Command {
	format := "terminal"
	var out string
	var review bool
	var p printing
	c := &cobra.Command{
		Use: "report DRILL", Short: "Render the report of a drill again, from its journal",
		Long: "Computes record and verdict from the journal once more and renders them. The latest drill is called \"last\".\n" +
			exitHelp,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			lang, err := a.lang()
			if err != nil {
				return err
			}
			if a.json {
				format = "json"
			}
			f, err := a.format(cmd.Context(), format, p)
			if err != nil {
				return err
			}
			if review && (format == "json" || format == "junit") {
				return fmt.Errorf("--review: a review is for people: choose terminal, html, markdown or pdf instead of %s", format)
			}
			dir, err := a.drillDir(args[0])
			if err != nil {
				return err
			}
			r, v, err := drills.Judge(dir)
			if err != nil {
				return err
			}
			samples, err := pulseSamples(dir, r)
			if err != nil {
				return err
			}
			o := reports.Options{Language: lang, Width: a.width(), Color: a.color(), Samples: samples}
			if o.RecordDigest, err = fileDigest(filepath.Join(dir, "record.json")); err != nil {
				return err
			}
			if review {
				o.Review = &reports.Review{}
				if o.Review.Said, err = evidence.Said(a.home, filepath.Base(dir)); err != nil {
					return err
				}
			}
			if out == "" {
				return f.Render(a.stdout, r, v, o)
			}
			return writeReport(out, f, r, v, o)
		},
	}
	var names []string
	for _, f := range reports.Formats() {
		names = append(names, f.Name)
	}
	c.Flags().StringVar(&format, "format", format, fmt.Sprintf("one of %v", append(names, formatPDF)))
	p.flags(c)
	c.Flags().BoolVar(&review, "review", false,
		"the document of the review after a drill: timeline to the minute, targets, root cause and improvements as people signed them, or blanks")
	c.Flags().StringVar(&out, "out", "", "file to write to instead of standard output")
	return c
}

// format is one of a report; a PDF is the page, printed.
func (a *app) format(ctx context.Context, name string, p printing) (reports.Format, error) {
	if name != formatPDF {
		return reports.Find(name)
	}
	f, err := reports.Find("html")
	render := f.Render
	f.Name, f.Render = formatPDF, func(w io.Writer, r *record.Record, v record.Verdict, o reports.Options) error {
		var page bytes.Buffer
		if err := render(&page, r, v, o); err != nil {
			return err
		}
		return a.pdf(ctx, p, &page, w)
	}
	return f, err
}

// drillDir finds a drill's folder by its id, the beginning of it, or "last".
func (a *app) drillDir(id string) (string, error) {
	dirs, err := drills.List(a.home)
	if err != nil {
		return "", err
	}
	if id == "last" && len(dirs) > 0 {
		return dirs[len(dirs)-1], nil
	}
	var found []string
	for _, d := range dirs {
		if name := filepath.Base(d); id != "" && len(name) >= len(id) && name[:len(id)] == id {
			found = append(found, d)
		}
	}
	if len(found) == 1 {
		return found[0], nil
	}
	return "", fmt.Errorf("find drill %q in %s: %d of %d drills fit; lifeboat history lists them", id, a.home, len(found), len(dirs))
}

// pulseSamples reads the kept stream of the pulse; a drill without one has none.
func pulseSamples(dir string, r *record.Record) ([]reports.Sample, error) {
	f, err := os.Open(filepath.Join(dir, "raw", "pulse.ndjson"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the pulse: %w", err)
	}
	defer f.Close()
	return samplesOf(f, r)
}

func samplesOf(pulse io.Reader, r *record.Record) (samples []reports.Sample, err error) {
	// Of a flow that says no by an exception alone, the drill has counted no iteration as one that proved nothing.
	throws := r.Pulse != nil && r.Pulse.Totals.Unproven == 0
	err = business.Samples(pulse, r.Header.BoottimeNS, func(s verifier.Sample) {
		samples = append(samples, reports.Sample{At: s.Start, Good: s.OK && (s.Checks > 0 || throws), Latency: s.End - s.Start})
	})
	if err != nil && r.Status == record.RunCompleted {
		return nil, fmt.Errorf("read the pulse: %w", err)
	}
	return samples, nil // of a drill that crashed: as far as the stream goes
}

func fileDigest(path string) (string, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	defer f.Close()
	return digestOf(f)
}

func digestOf(r io.Reader) (string, error) {
	h := sha256.New()
	if _, err := io.Copy(h, r); err != nil {
		return "", fmt.Errorf("digest a file: %w", err)
	}
	return "sha256:" + hex.EncodeToString(h.Sum(nil)), nil
}

// terminal tells whether standard output is one.
func (a *app) terminal() (int, bool) {
	f, ok := a.stdout.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return 0, false
	}
	return int(f.Fd()), true
}

func (a *app) width() int {
	if fd, ok := a.terminal(); ok {
		if w, _, err := term.GetSize(fd); err == nil {
			return w
		}
	}
	return 0
}

func (a *app) color() bool {
	_, ok := a.terminal()
	return ok && os.Getenv("NO_COLOR") == ""
}

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
